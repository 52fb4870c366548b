import pytest

from pipelines.views import is_frontal, names_chest, other_part, other_view, words_of

READ = (
    "|POSTEROANTERIOR|POSTERO ANTERIOR|postero-anterior|Posteroanteriore|ANTERO_POSTERIOR|AP SEATED"
    "|P-A|p.a.|P A|PA ERECT|AP SUPINE PORTABLE|AP_Supine|FRONT|FRONTAL|frontale|De face|NA|N/A"
    "|UNKNOWN|NONE|OTHER|-|?|ANT|CHEST|THORAX 1|Übersicht|im Liegen|sitzend a.p.|debout|acostado"
    "|AP BILATERAL|CHEST BILATERAL|LATERALITY R|AP ARMS UP|HEAD UP AP|AP DECUBITO SUPINO"
    "|décubitus dorsal|DECUBITO PRONO|LEFT|L|VIEW 1|PA SIDE MARKER|tylno-przednia|正位|XYZZY"
).split("|")
LATERAL = (
    "LL|RL|L-L|R.L.|LAT|Lat.|L LAT|LLAT|RTLAT|LATERAL|left_lateral|LeftLateral|RIGHTLATERAL|latéral"
    "|LATERALE|laterální|latero-laterale|seitlich|SEITLICH LINKS|linksseitlich|Profil|de profil"
    "|PERFIL|profilo|zijdelings|boczne|Boczny|БОКОВАЯ|侧位|側面像|SIDE|cross table|X-TABLE"
    "|PA LATERAL|AP/LAT"
).split("|")
OBLIQUE = "OBLIQUE|OBL|LAO|R.A.O.|oblicua|obliqua|OBLÍQUA|Schräg|SCHRAEG|schuin|skośne"


@pytest.mark.parametrize("text", READ)
def test_an_unknown_word_and_a_frontal_one_name_no_other_view(text):
    assert other_view(text) == ""


@pytest.mark.parametrize("text", LATERAL)
def test_lateral_views_are_known_in_every_spelling(text):
    assert other_view(text) and other_view(text.lower()) and other_view(text.upper())


@pytest.mark.parametrize("text", OBLIQUE.split("|"))
def test_oblique_views_are_known(text):
    assert other_view(text) in ("OBLIQUE", "OBL", "LAO", "RAO")


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("LLD", "LLD"), ("RLD", "RLD"), ("decubitus", "DECUBITUS"),
        ("DECUBITO LATERAL", "DECUBITUS"),
        ("swimmers", "SWIMMERS"), ("Swimmer's view", "SWIMMER"), ("AP lordótica", "LORDOTIC"),
        ("SEMI-AXIAL", "AXIAL"), ("Knee", "KNEE"), ("AP PELVIS", "PELVIS"), ("HAND PA", "HAND"),
        ("ABDOMEN AP", "ABDOMEN"), ("Bauch", "ABDOMEN"), ("MLO", "MLO"), ("SKYLINE", "SKYLINE"),
    ],
)  # fmt: skip
def test_other_views_and_parts_are_told_by_the_terms_of_the_lists(text, term):
    assert other_view(text) == term


def test_frontal_views_are_known():
    for text in ("PA", "ap supine", "P-A", "Postero Anterior", "FRONTALE", "face", "Frente"):
        assert is_frontal(text), text
    for text in ("LL", "", "CHEST", "PAPA", "APEX"):
        assert not is_frontal(text), text


@pytest.mark.parametrize(
    "text",
    "CHEST|chest_abdomen|CHEST AND SHOULDER|Thorax|TÓRAX|torace|Brust|Brustkorb|Poitrine|pecho"
    "|Peito|klatka piersiowa|грудная клетка|胸部|LUNGS|Rippen links".split("|"),
)
def test_the_chest_is_known_also_beside_other_parts(text):
    assert names_chest(text) and other_part(text) == ""


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("T-SPINE", "TSPINE"), ("CHEST SPINE", "SPINE"), ("Brustwirbelsäule", "SPINE"),
        ("columna torácica", "COLUMNA"), ("HAND", "HAND"), ("LEFTHAND", "HAND"), ("Hände", "HANDE"),
        ("mão", "MAO"), ("R KNEE", "KNEE"), ("RKNEE", "KNEE"),
        ("LEFT_KNEES", "KNEE"), ("genou", "KNEE"),
        ("rodilla", "KNEE"), ("ginocchio", "KNEE"), ("kolano", "KOLANO"), ("Fuß", "FUSS"),
        ("Becken", "PELVIS"), ("miednica", "PELVIS"), ("brzuch", "ABDOMEN"),
        ("LOWER LEG", "LOWERLEG"),
        ("LONG LEG", "LEG"), ("skull", "SKULL"), ("Schädel", "SKULL"),
        ("ręka", "REKA"), ("膝関節", "KNEE"),
    ],
)  # fmt: skip
def test_other_parts_are_known(text, term):
    assert other_part(text) == term and not names_chest(text)


@pytest.mark.parametrize(
    "text", ["", "UNKNOWN", "WHOLEBODY", "Default", "42", "\x00", "🩻", "A" * 10**6]
)
def test_unknown_parts_are_no_evidence(text):
    assert other_part(text) == other_view(text) == ""


def test_words_lose_accents_digits_and_separators():
    assert words_of("P-A  Thórax_2") == ("PA", "THORAX")
    assert words_of("LeftLateral") == ("LEFT", "LATERAL")
    assert words_of("schräg".encode().decode("latin-1")) == ("SCHRAG",)
    assert words_of("Fuß, rȩka Ł") == ("FUSS", "REKA", "L")

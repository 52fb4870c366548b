"""Words that name a view or a part of the body, in the languages and spellings of X-ray rooms.

A word that is not listed here is no evidence: consoles are configured by hand. Written in capitals
without accents; `*` stands for any letters. What is found is told by the words of these lists and
never by the text that was searched.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: No honest text of an attribute is longer.
_LONGEST = 400
#: Letters that no decomposition takes apart.
_LETTERS = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "Æ": "AE"}
)

#: Frontal views; beside one of these, words of `_SIDES` and orientations say nothing.
_FRONTAL = (
    "PA AP PAAP APPA POSTEROANTER* POSTEROANTERIOR ANTEROPOST* POSTERIORANTERIOR"
    " ANTERIORPOSTERIOR DORSOVENTRAL* VENTRODORSAL* DV VD FRONT FRONTAL* FRENTE FACE FRENTAL"
    " PRZEDNIOTYLN* TYLNOPRZEDN* ПРЯМАЯ *正位* *正面*"
)
#: Views that are not frontal (PS3.3, C.8.1.1, C.8.7.10 and common names).
_VIEWS: Mapping[str, str] = {
    "LATERAL": "LL RL LLO RLO LAT LATS LATL LATR LLAT RLAT LATLT LATRT LTLAT RTLAT LATER LATERO"
    " *LATERAL* ML LM PROFIL PROFILE PROFILO PROFILU PERFIL SIDEVIEW *SEITLICH* SEITL SEITAUFNAHME"
    " SEITENAUFNAHME SEITENBILD SEITENANSICHT SEITBILD ZIJDELINGS* ZIJWAARTS* ZIJAANZICHT ZIJOPNAME"
    " DWARS BOCZN* BOCN* SIDOBILD SIDOPROJEKTION SIDEBILLEDE SIDEBILDE SIVUKUVA OLDALIRANY*"
    " OLDALFELVETEL STRANSK* БОКОВ* БІЧН* ПЛАГІ* ΠΛΑΓΙ* SAGIT* CROSSTABLE XTABLE *侧位* *側位*"
    " *侧面* *側面* *측면*",
    "OBLIQUE": "OBL OBLI OBLIQ OBLIQU* OBLICU* OBLIC OBLIK* LAO RAO LPO RPO OAD OAI OAG OAE OAS OPD"
    " OPI OPE SCHRAG* SCHRAEG* SCHUIN* SKOSN* SKOS UKOSN* SKRA SKRATT SNED SNEDD SIKM* FERDE"
    " VIISTO* EGIK КОСАЯ КОСОЙ КОСОЕ КОСА ΛΟΞ* *斜位*",
    "DECUBITUS": "LLD RLD DECUBIT* DECUB *SEITENLAGE* *侧卧* *側臥*",
    "SWIMMERS": "SWIMMER SWIMMERS SCHWIMMER* NADADOR NAGEUR NUOTATORE ZWEMMER* PLYWAK* TWINING",
    "LORDOTIC": "LORDO* HYPERLORDO* LINDBLOM",
    "AXIAL": "*AXIAL* AXIALE AXILLARY AXILAR CC XCCL XCCM MLO LMO CRANIOCAUDAL* CAUDOCRANIAL*"
    " INFEROSUPERIOR* SUPEROINFERIOR* SUPEROINFERIOR TRANSVERS*",
    "TANGENTIAL": "TANGENT* TANGENZIALE",
    "SPECIAL": "WATERS CALDWELL TOWNE TOWNES SUBMENTOVERT* SUBMENTOVERTEX SMV PANORAM* PANOREX OPG"
    " ODONTOID SUNRISE SKYLINE MERCHANT MORTISE FROGLEG FROG JUDET GRASHEY STRYKER DORSOPALMAR*"
    " DORSOPLANTAR* PLANTODORSAL* PALMAR PLANTAR OCCLUSAL",
}
#: Words that name the side of a film only where it is not said to be frontal.
_SIDES = "SIDE SEITE LADO LATO COTE BOK BOKU ZIJDE ZIJ SIDA YAN"
#: Of a film that lies on its back or belly in Romance languages; not of one on its side.
_LYING = re.compile(r"DECUBIT[A-Z]*? ?(DORSAL|SUPIN|PRON|VENTRAL)|(SUPINE|PRONE) DECUBIT")

_CHEST = (
    "CHEST* CHST CXR THORAX* *THORAX TORAX TORACE TORSO THORAC* TORACIC* BRUST BRUSTKORB BRUSTRAUM"
    " BORST BORSTKAS POITRINE PECHO PETTO PEITO LUNG LUNGS LUNGE* POUMON* PULMON* POLMON* PULMAO"
    " PULMOES LONGEN LONGFOTO PLUC* KLATK* PIERSIOW* BROST* BRYST* HRUDNIK* MELLKAS ГРУД* ЛЕГК* RIB"
    " RIBS RIPPE* COTES COSTE COSTILLAS RIBBEN ZEBR* STERNUM HEART HERZ *胸部* *胸片* *肺*"
)
#: Parts of the spine are no chest film, though their names may hold the chest's.
_SPINE = (
    "*SPINE* CSPINE TSPINE LSPINE LSSPINE SSPINE CTSPINE TLSPINE"
    " RACHIS *WIRBELSAULE *WIRBELSAEULE HWS BWS LWS COLUMNA COLONNA COLUNA COLONNE"
    " *WERVELKOLOM KREGOSLUP* VERTEBR* LUMBAR* LUMBAL* LUMBO* LOMBAIRE LOMBAR* *LUMBAR CERVICAL*"
    " CERVICO* CSP TSP LSP LSSP RYGGRAD SACR* SAKRUM COCCY* *SPINAL ПОЗВОНОЧ* *颈椎* *腰椎* *胸椎*"
)
#: Parts that a chest film does not show (PS3.16, annex L), beside those of the spine.
_PARTS: Mapping[str, str] = {
    "ABDOMEN": "ABD ABDO* ADDOM* BAUCH* *ABDOMEN VENTRE VIENTRE BARRIGA BUIK BRZUCH* BRZUSZN*"
    " BRICH* KUB BNO ЖИВОТ* БРЮШ* *腹*",
    "PELVIS": "PELVI* *PELVIS PELVE BECKEN* BASSIN BACINO BACIA BEKKEN MIEDNIC* BACKEN BAEKKEN ТАЗ"
    " *骨盆*",
    "HIP": "HIP HIPS HUFT* HUEFT* HANCHE* CADERA* ANCA ANCHE QUADRIL QUADRIS HEUP* BIODR* HOFT*",
    "HAND": "HAND HANDS HANDE HAENDE MAIN MAINS MANO MANOS MANI MAO MAOS DLON DLONI REKA RECE РУКА"
    " КИСТЬ КИСТИ *手*",
    "WRIST": "WRIST* HANDGELENK* *HANDWURZEL* POIGNET* MUNECA* POLSO POLSI PUNHO* PULSO POLS"
    " NADGARST* HANDLED* CARPUS CARPAL CARPE CARPO",
    "FINGER": "FINGER* DOIGT* DEDO* DITO DITA VINGER* PALEC PALCE",
    "THUMB": "THUMB* DAUMEN POUCE* PULGAR* POLLICE POLEGAR DUIM KCIUK",
    "ELBOW": "ELBOW* ELLBOGEN* ELLENBOGEN* COUDE* CODO CODOS GOMITO GOMITI COTOVELO* ELLEBOOG"
    " LOKIEC LOKC* OLECRANON",
    "FOREARM": "FOREARM* UNTERARM* AVANTBRAS ANTEBRA* AVAMBRACCI* ONDERARM* PRZEDRAMI* RADIUS ULNA",
    "ARM": "ARM ARMS OBERARM* UPPERARM BRAS BRAZO* BRACCIO BRACCIA BRACO* BOVENARM* HUMER* OMERO",
    "SHOULDER": "SHOULDER* SCHULTER* EPAULE* HOMBRO* SPALLA SPALLE OMBRO* SCHOUDER* BARK BARKU"
    " RAMIE AXEL ПЛЕЧ* *肩*",
    "CLAVICLE": "CLAVIC* CLAVICLE KLAVIKULA SCHLUSSELBEIN SCHLUESSELBEIN OBOJCZYK* SLEUTELBEEN",
    "SCAPULA": "SCAPUL* ESCAPUL* OMOPLAT* SKAPULA LOPATK*",
    "FOOT": "FOOT FEET FUSS FUSSE FUESSE PIED PIEDS PIE PIES PIEDE PIEDI PE PES VOET* STOPA STOPY"
    " FOT СТОПА СТОПЫ *足*",
    "TOE": "TOE TOES ZEHE ZEHEN ORTEIL*",
    "ANKLE": "ANKLE* *SPRUNGGELENK* KNOCHEL KNOECHEL CHEVILLE* TOBILLO* CAVIGLIA CAVIGLIE"
    " TORNOZELO* ENKEL* KOSTKA KOSTKI MALLEOL* TARSUS TARSAL",
    "CALCANEUS": "CALCAN* HEEL HEELS FERSE FERSENBEIN",
    "KNEE": "KNEE* KNIE KNIEE KNIEGELENK* GENOU* RODILLA* GINOCCHI* JOELHO* KOLANO KOLANA KOLAN"
    " KNA KNAE КОЛЕН* *膝*",
    "PATELLA": "PATELL* ROTULA* ROTULE* KNIESCHEIBE RZEPK*",
    "LEG": "LEG LEGS LOWERLEG UPPERLEG BEIN BEINE UNTERSCHENKEL* JAMBE* PIERNA* GAMBA GAMBE PERNA*"
    " BEEN BENEN NOGA NOGI PODUDZI*",
    "TIBIA": "TIBIA* FIBULA* PERONE SCHIENBEIN WADENBEIN",
    "THIGH": "THIGH* OBERSCHENKEL* CUISSE* MUSLO* COSCIA COSCE COXA UDO FEMUR* *FEMUR FEMOR*",
    "EXTREMITY": "EXTREMIT* LIMB LIMBS MEMBRE* KONCZYN*",
    "HEAD": "HEAD KOPF TETE CABEZA TESTA CABECA HOOFD GLOWA GLOWY CEREBR* BRAIN",
    "SKULL": "SKULL* SCHADEL* SCHAEDEL* CRANE CRANI* CRANEO SCHEDEL* CZASZK* KRANIUM SKALLE ЧЕРЕП*"
    " *头颅* *頭*",
    "FACE": "FACE FACIAL GESICHT* VISAGE VOLTO ROSTRO GELAAT TWARZ*",
    "SINUS": "SINUS* PARANASAL NASENNEBENHOHLEN NASENNEBENHOEHLEN NNH ZATOK* NASALBONE NASENBEIN",
    "ORBIT": "ORBIT* EYE EYES AUGE AUGEN OEIL OJO OCCHIO OLHO",
    "JAW": "JAW JAWS MANDIB* MAXILL* *KIEFER ZYGOM* ZUCHW* TMJ MASTOID* DENTAL TEETH TOOTH ZAHN*",
    "NECK": "NECK HALS COU CUELLO COLLO PESCOCO NEK SZYJA SZYI LARYNX",
    "BREAST": "BREAST BREASTS MAMMA MAMMAE MAMMO* MAMOGR* MAMA MAMAS SEIN SEINS SENO MAMMELLA"
    " BRUSTDRUSE BRUSTDRUESE",
    "KIDNEY": "KIDNEY* NIERE NIEREN BLADDER STOMACH COLON RECTUM PROSTATE UTERUS",
}
#: Words of parts that stand in a view for the position of the body, or mean something else there.
_POSTURES = frozenset(
    "ARM ARMS HEAD FACE MAIN MAINS PE PES PIE PIES COU SEIN SENO SEINS BEEN MANI RECE UDO".split()
)
#: Sides ahead of or behind the name of a part.
_SIDED = re.compile(
    r"^(LEFT|RIGHT|LT|RT|L|R|BOTH|UPPER|LOWER)(?=.{3})|(?<=.{3})(LEFT|RIGHT|LT|RT)$"
)


@dataclass(frozen=True)
class _Vocabulary:
    """Patterns of words, by what each is told as."""

    exact: Mapping[str, str]
    patterns: tuple[tuple[re.Pattern[str], str], ...]

    def find(self, word: str) -> str:
        """Tell a word by its entry: itself where it is listed, else what it stands for."""
        if word in self.exact:
            return word
        return next((name for pattern, name in self.patterns if pattern.fullmatch(word)), "")


def _vocabulary(lists: Mapping[str, str]) -> _Vocabulary:
    exact, patterns = {}, []
    for name, texts in lists.items():
        starred = []
        for text in texts.split():
            if "*" in text:
                starred.append(".*".join(re.escape(_plain(part)) for part in text.split("*")))
            else:
                exact[_plain(text)] = name
        if starred:
            patterns.append((re.compile("|".join(starred)), name))
    return _Vocabulary(exact, tuple(patterns))


def _plain(text: str) -> str:
    """Write a text in capitals without accents."""
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS)).upper()
    kept = "".join(each for each in apart if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", kept)


def words_of(text: str) -> tuple[str, ...]:
    """Take a text apart into words in capitals, without accents, digits and separators.

    Args:
        text: of any language; UTF-8 that was taken for Latin-1 is put right.

    Returns:
        The words in order; letters that stand alone, as in `P-A` or `L.A.O.`, are one word.
    """
    text = text[:_LONGEST]
    if not text.isascii():
        try:
            text = text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            pass
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    joined: list[str] = []
    alone = False
    for word in re.findall(r"[^\W\d_]+", _plain(text)):
        if len(word) == 1 and alone:
            joined[-1] += word
        else:
            joined.append(word)
        alone = len(word) == 1
    return tuple(joined)


_IS_FRONTAL = _vocabulary({"FRONTAL": _FRONTAL})
_IS_VIEW = _vocabulary(_VIEWS)
_IS_SIDE = _vocabulary({"LATERAL": _SIDES})
_IS_CHEST = _vocabulary({"CHEST": _CHEST})
_IS_SPINE = _vocabulary({"SPINE": _SPINE})
_IS_PART = _vocabulary(_PARTS)
_NOT_LATERAL = re.compile(
    r"(BI|UNI|CONTRA|IPSI|HOMO|COL|COLL)LATERAL.*|LATERALI(T|Z|S[AEI]).*|LATERALMENTE?"
)


def _find(vocabulary: _Vocabulary, words: Sequence[str]) -> str:
    """Find the first word that is listed, else all of them as one: `C SPINE` is `CSPINE`."""
    found = next(filter(None, map(vocabulary.find, words)), "")
    whole = "".join(words)
    return whole if whole in vocabulary.exact else found


def is_frontal(text: str) -> bool:
    """Tell whether a text names a frontal view.

    Args:
        text: such as `P-A`, `Antero-Posterior` or `AP SUPINE PORTABLE`.
    """
    words = words_of(text)
    pairs = ("".join(pair) for pair in zip(words, words[1:], strict=False))
    return any(map(_IS_FRONTAL.find, (*words, *pairs)))


def other_view(text: str) -> str:
    """Find what a text names that is no frontal view.

    Args:
        text: the value of an attribute.

    Returns:
        The term of these lists, such as `LL`, `OBLIQUE` or (a part of the body) `KNEE`; '' where
        it names none.
    """
    words = words_of(text)
    lying = _LYING.search(" ".join(words))
    kept = [
        word
        for word in words
        if not _NOT_LATERAL.fullmatch(word) and not (lying and word.startswith("DECUB"))
    ]
    if found := _find(_IS_VIEW, kept):
        return found
    if not is_frontal(text) and (found := _find(_IS_SIDE, kept)):
        return found
    kept = [word for word in words if word not in _POSTURES]
    return "" if _find(_IS_CHEST, kept) else _part_in(kept)


def names_chest(text: str) -> bool:
    """Tell whether a text names the chest.

    Args:
        text: such as `CHEST`, `Thorax` or `KLATKA PIERSIOWA`.
    """
    words = words_of(text)
    return bool(_find(_IS_CHEST, words)) and not _find(_IS_SPINE, words)


def other_part(text: str) -> str:
    """Find which part of the body a text names, where it is not the chest.

    Args:
        text: the value of an attribute.

    Returns:
        The term of these lists, such as `HAND`; '' where it names none, or the chest too.
    """
    return "" if names_chest(text) else _part_in(words_of(text))


def _part_in(words: Sequence[str]) -> str:
    """Find a part of the body, also with a side ahead of it or behind."""
    without_sides = [_SIDED.sub("", word) for word in words]
    tried = (_find(each, some) for some in (words, without_sides) for each in (_IS_SPINE, _IS_PART))
    return next(filter(None, tried), "")

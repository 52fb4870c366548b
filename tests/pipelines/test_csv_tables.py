import contextlib
import io

import pytest

from pipelines.csv_tables import TableError, open_table

PLAIN = "id,path,note\n1,film.png,x\n2,other.png,y\n"
ROWS = [["1", "film.png", "x"], ["2", "other.png", "y"]]


@pytest.fixture
def opened():
    """Opens tables until the test ends."""
    with contextlib.ExitStack() as stack:

        def table(content, known=("path",)):
            content = content.encode() if isinstance(content, str) else content
            return stack.enter_context(open_table(io.BytesIO(content), known))

        yield table


def cells(table):
    return [found for _, found in table.rows()]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_encodings_and_line_ends_do_not_matter(opened, separator, encoding, end):
    text = PLAIN.replace(",", separator).replace("\n", end)
    table = opened(text.encode(encoding))
    assert (table.header, table.separator) == (("id", "path", "note"), separator)
    assert cells(table) == ROWS


@pytest.mark.parametrize(
    "first", ["sep=;", '"sep=;"', "SEP=;", "sep=;\r", "sep=;;;", "\ufeffsep=;"]
)
def test_the_line_of_excel_names_the_separator(opened, first):
    table = opened(f"{first}\n{PLAIN.replace(',', ';')}")
    assert table.separator == ";" and cells(table) == ROWS
    assert [number for number, _ in opened(f"{first}\n{PLAIN.replace(',', ';')}").rows()][0] > 2


def test_a_line_of_excel_that_is_wrong_is_not_believed(opened):
    assert opened("sep=,\n" + PLAIN.replace(",", ";")).separator == ";"
    assert opened("sep=#\n" + PLAIN.replace(",", "#")).header == ("id", "path", "note")


def test_a_known_column_decides_where_other_separators_are_more_frequent(opened):
    table = opened("path;a,b,c,d\nf.png;1,2\n")
    assert table.header == ("path", "a,b,c,d") and cells(table) == [["f.png", "1,2"]]


def test_blanks_and_blank_lines_go(opened):
    table = opened('\n  \nid , "path" , x\n\n1, "a, b.png" ,z\n,,\n 2 ,c.png, \n')
    assert table.header == ("id", "path", "x")
    assert list(table.rows()) == [(5, ["1", "a, b.png", "z"]), (7, ["2", "c.png", ""])]


@pytest.mark.parametrize(
    ("header", "place"),
    [
        ("id,path", 1), ("id, path ", 1), ("Path,x", 0), ("x,PATH", 1), ("\xa0path\xa0,x", 0),
        ("filename,x", 0), ("x,File", 1), ("File Name,x", 0), ("file-path,x", 0),
        ("file,path", 1), ("Path,path", 1), ("x,y", None), ("filepaths,y", None),
    ],
)  # fmt: skip
def test_a_column_is_found_by_its_name_or_another_of_it(opened, header, place):
    found = opened(header).find("path", "file", "filename", "file_name", "file_path")
    assert found == place


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("path,path", "'path' stands twice"),
        ("path, path", "'path' stands twice"),
        ("Path,PATH", "'Path' and 'PATH' may both be 'path'"),
        ("file,filename", "'file' and 'filename' may both be 'path'"),
    ],
)
def test_columns_that_may_both_be_meant_are_named(opened, header, message):
    with pytest.raises(TableError, match=message):
        opened(header).find("path", "file", "filename")


def test_a_missing_column_is_told_with_the_near_one_and_the_separator(opened):
    message = opened("pathh;x;y\n").missing("path")
    assert "did you mean 'pathh'?" in message and "separated by semicolons" in message
    assert "add it" in opened("a\tb").missing("path") and "tabs" in opened("a\tb").missing("path")
    assert "no separator was found" in opened("film.png").missing("path")
    assert len(opened(",".join("x" * 99 + str(i) for i in range(999))).missing("path")) < 600


@pytest.mark.parametrize(
    "row", ['"film.png,1\nb.png,2\n', '"film.png,1', '"film.png,1\n"b.png",2\n', '"a"b",2\n']
)
def test_a_quote_that_is_not_closed_is_named_by_its_line(opened, row):
    with pytest.raises(TableError, match="line 3: a quote is opened"):
        cells(opened("path,x\nfine.png,0\n" + row))


def test_a_quote_of_the_header_that_is_not_closed_is_named(opened):
    with pytest.raises(TableError, match="the header opens a quote"):
        opened('"path,x\nfine.png,0\n')


def test_quotes_within_a_cell_and_over_lines_are_read(opened):
    table = opened('path,"a\nb"\n12" film.png,x\n"two\nlines",y\n"say ""A"""  ,z\n')
    assert table.header == ("path", "a\nb")
    assert list(table.rows()) == [
        (3, ['12" film.png', "x"]), (4, ["two\nlines", "y"]), (6, ['say "A"', "z"])
    ]  # fmt: skip


def test_rows_that_do_not_fit_say_how(opened):
    table = opened("path;x\n")
    assert table.misfit(["a", "b"]) == ""
    assert "1 cells under 2 columns; fill it up" in table.misfit(["a"])
    assert "quote cells that contain semicolons" in table.misfit(["a", "b", "c"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"path\n\xff\xfe\n", "no UTF-8 text"),
        ("path\nüber.png\n".encode("latin-1"), "no UTF-8 text"),
        (b"path\n" + b"x" * (1 << 21), "longer than any"),
        (b"x" * (1 << 21), "longer than any"),
        (b'path\n"' + b"x\n" * (1 << 17), "quote is opened"),
    ],
)
def test_what_is_no_table_is_refused(opened, content, message):
    with pytest.raises(TableError, match=message):
        cells(opened(content))


def test_an_empty_table_has_no_columns(opened):
    for content in ("", "\n\n", "\ufeff"):
        assert opened(content).header == () and cells(opened(content)) == []

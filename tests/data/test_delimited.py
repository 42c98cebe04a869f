import pytest

from recenv.data import RatingsLog

GOOD = "user_id,item_id,rating\n1,a,5\n1,b,3\n2,a,4\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD + "\n\n",
        "\n" + GOOD.replace("\n", "\n\n"),
        GOOD.rstrip("\n"),
    ],
    ids=["plain", "crlf", "bom", "semicolons", "tabs", "empty end", "empty lines", "no last line end"],
)
def test_the_usual_dialects_are_read(write, content):
    log = RatingsLog.read(write(content))
    assert log.rating.tolist() == [5, 3, 4]
    assert log.item_ids.tolist() == ["a", "b"]


def test_ids_are_kept_as_they_are_written(write):
    log = RatingsLog.read(write("user,item,rating\n007,1e3,5\n7,True,3\n"))
    assert log.user_ids.tolist() == ["007", "7"]
    assert log.item_ids.tolist() == ["1e3", "True"]


def test_quoted_fields_may_hold_separators_and_line_breaks(write):
    log = RatingsLog.read(write('user,item,rating\n1,"a,b",5\n2,"c\nd ""e""",3\n'))
    assert log.item_ids.tolist() == ["a,b", 'c\nd "e"']


def test_line_breaks_are_kept_where_a_large_file_is_read_in_blocks(write):
    names = ['"' + "x\n" * 200 + f'{item}"' for item in range(100)]
    rows = "".join(f"{user},{name},{user % 5}\n" for user in range(250) for name in names)
    log = RatingsLog.read(write("user,item,rating\n" + rows))
    assert (log.n_users, log.n_items, len(log)) == (250, 100, 25_000)


def test_typed_headers_are_read_without_quoting(write):
    text = 'user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t"x\t3\t20\n2\ty"\t4\t10\n'
    log = RatingsLog.read(write(text, "log.inter"))
    assert log.item_ids.tolist() == ['"x', 'y"']
    assert log.timestamp.tolist() == [10, 20]


def test_the_line_of_an_error_counts_quoted_line_breaks_and_empty_lines(write):
    with pytest.raises(ValueError, match=r"ratings.csv, line 6, column 'rating': 'x' is not a number"):
        RatingsLog.read(write('user,item,rating\n1,"a\nb",5\n\n1,c,3\n2,c,x\n'))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "ratings.csv is empty"),
        (" \n\n", "ratings.csv is empty"),
        ("user,item,rating\n", "has a header but no ratings"),
        (GOOD.replace("rating", "raiting"), r"has no rating column; it has only 'user_id', 'item_id', 'raiting'"),
        (GOOD.replace("4", "four"), "line 4, column 'rating': 'four' is not a number; correct it or drop the row"),
        (GOOD.replace("4", ""), "line 4, column 'rating': the value is empty"),
        (GOOD.replace("4", "nan"), "line 4, column 'rating': the value is empty"),
        (GOOD.replace("4", "inf"), "line 4, column 'rating': inf is not finite"),
        (GOOD.replace("2,a", ",a"), "line 4, column 'user_id': the id is empty"),
        (GOOD + "1,a,2\n", r"line 5: user '1' has rated item 'a' already \(line 2\).*drop_duplicates.*keep=\"last\""),
        ("user,item,rating\n1,a,3\n1,b,4\n", "fewer than two users: column 'user' holds only '1'"),
        ("user,item,rating\n1,a,3\n2,a,4\n", "fewer than two items: column 'item' holds only 'a'"),
        ("user,item,rating\n1,a,3\n2,b,3\n", "has one rating level: column 'rating' is 3 in every row"),
        (GOOD + "3,b\n", "line 5 has 2 fields where the header has 3: '3,b'"),
        (GOOD + "3,b,4,9\n", "line 5 has 4 fields where the header has 3"),
        ('user,item,rating\n1,"a,5\n1,c,3\n', "line 2 has 2 fields where the header has 3"),
        (GOOD.encode() + "3,café,4\n".encode("latin-1"), r"line 5 is not UTF-8 \(byte 0xe9\); save the file as UTF-8"),
        (GOOD.encode("utf-16"), "line 1 is not UTF-8"),
    ],
)
def test_bad_files_are_refused_with_the_line_and_the_remedy(write, content, message):
    with pytest.raises(ValueError, match=message):
        RatingsLog.read(write(content))


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("7,9999,good\n", "line 1000002, column 'rating': 'good' is not a number"),
        ("7,9999\n", "line 1000002 has 2 fields where the header has 3"),
        ("0,0,1\n", r"line 1000002: user '0' has rated item '0' already \(line 2\)"),
    ],
)
def test_one_bad_row_at_the_end_of_a_million_is_found(write, million, last, message):
    with pytest.raises(ValueError, match=message):
        RatingsLog.read(write(million + last))


@pytest.fixture(scope="module")
def million() -> str:
    rows = "".join(f"{{0}},{item},{item % 5 + 1}\n" for item in range(500))
    return "user,item,rating\n" + "".join(rows.replace("{0}", str(user)) for user in range(2_000))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv does not exist"):
        RatingsLog.read(tmp_path / "nothing.csv")
    with pytest.raises(ValueError, match="is a folder"):
        RatingsLog.read(tmp_path)


def test_an_unknown_suffix_lists_the_known_ones(write):
    with pytest.raises(ValueError, match=r"has the suffix \.dat; known are \.csv, \.tsv.*pass a DataFrame"):
        RatingsLog.read(write(GOOD, "ratings.dat"))

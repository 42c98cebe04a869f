"""A strict reader of the page: every tag is closed, and what it would load is listed."""

from html.parser import HTMLParser

VOID = {"meta", "img", "br", "hr", "wbr"}


class Page(HTMLParser):
    """Text, headings, tables (lists of rows of cells), attributes that load something, ids."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.ids, self.tables, self.headings, self.images = [], [], [], [], [], []
        self.values, self.tags, self.text = [], set(), ""
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        self.loads += [attributes[name] for name in ("src", "href", "data", "poster") if name in attributes]
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.values += [float(attributes["value"])] if tag == "data" else []
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append({"caption": "", "rows": []})
        if tag == "tr":
            self.tables[-1]["rows"].append([])
        if tag in ("td", "th"):
            self.tables[-1]["rows"][-1].append("")
        if tag == "h2":
            self.headings.append("")
        if tag == "img":
            self.images.append(attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text += data
        if "caption" in self.open:
            self.tables[-1]["caption"] += data
        elif self.open and self.open[-1] == "h2":
            self.headings[-1] += data
        elif "td" in self.open or "th" in self.open:
            self.tables[-1]["rows"][-1][-1] += data

    def table(self, caption):
        """Return the rows of the first table whose caption begins so."""
        return next(one["rows"] for one in self.tables if one["caption"].startswith(caption))

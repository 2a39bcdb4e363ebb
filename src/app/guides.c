/* guides: /guides/{name}, the guides through TikTok's portals, as pages in English and Thai. The texts are
 * our own files, embedded at build time; drawn are headings, paragraphs, lists, tables, bold, code and links
 * to this host. What can go wrong: a file with another form of Markdown shows it as plain text.
 */
#include "app/app.h"
#include "app/guides.h"

enum { PAGE_BYTES = 128 * 1024 };
enum block { BLOCK_NONE, BLOCK_TEXT, BLOCK_LIST, BLOCK_NUMBERS, BLOCK_TABLE };
struct drawing {
    struct buf *b;
    enum block open;
    bool head_done; /* of a table */
};

static const struct {
    const char *begin, *end;
} blocks[] = {
    [BLOCK_NONE] = {"", ""},
    [BLOCK_TEXT] = {"<p>", "</p>\n"},
    [BLOCK_LIST] = {"<ul>\n", "</ul>\n"},
    [BLOCK_NUMBERS] = {"<ol>\n", "</ol>\n"},
    [BLOCK_TABLE] = {"<table>\n", "</tbody></table>\n"},
};

static void turn(struct drawing *d, enum block to)
{
    if (d->open == to)
        return;
    buf_put(d->b, str_of(blocks[d->open].end));
    buf_put(d->b, str_of(blocks[to].begin));
    d->open = to;
    d->head_done = false;
}

/* Everything up to `mark`, taken from *rest; false when it does not come. */
static bool upto(str *rest, const char *mark, str *head)
{
    size_t at = 0, n = strlen(mark);
    if (!str_find(*rest, str_of(mark), &at))
        return false;
    *head = str_sub(*rest, 0, at);
    *rest = str_sub(*rest, at + n, rest->n);
    return true;
}

static bool put_link(struct buf *b, str *rest)
{
    str tail = str_sub(*rest, 1, rest->n), label, url;
    if (!upto(&tail, "](", &label) || !upto(&tail, ")", &url) || !str_starts(url, STR("/guides/")))
        return false;
    buf_put(b, STR("<a href=\""));
    buf_put_html(b, url);
    buf_put(b, STR("\">"));
    buf_put_html(b, label);
    buf_put(b, STR("</a>"));
    *rest = tail;
    return true;
}

static bool put_marked(struct buf *b, str *rest, const char *mark, const char *tag)
{
    str tail = str_sub(*rest, strlen(mark), rest->n), inner;
    if (!str_starts(*rest, str_of(mark)) || !upto(&tail, mark, &inner))
        return false;
    buf_fmt(b, "<%s>", tag);
    buf_put_html(b, inner);
    buf_fmt(b, "</%s>", tag);
    *rest = tail;
    return true;
}

static void put_inline(struct buf *b, str rest)
{
    while (rest.n > 0) {
        if (rest.p[0] == '[' && put_link(b, &rest))
            continue;
        if (put_marked(b, &rest, "**", "strong") || put_marked(b, &rest, "`", "code"))
            continue;
        buf_put_html(b, str_sub(rest, 0, 1));
        rest = str_sub(rest, 1, rest.n);
    }
}

static void put_row(struct drawing *d, str line)
{
    const char *cell = d->head_done ? "td" : "th";
    str head;
    turn(d, BLOCK_TABLE);
    if (str_starts(line, STR("|---")))
        return;
    buf_put(d->b, d->head_done ? STR("<tr>") : STR("<thead><tr>"));
    line = str_sub(line, 1, line.n - 2);
    while (str_cut(&line, '|', &head)) {
        buf_fmt(d->b, "<%s>", cell);
        put_inline(d->b, str_trim(head));
        buf_fmt(d->b, "</%s>", cell);
    }
    buf_put(d->b, d->head_done ? STR("</tr>\n") : STR("</tr></thead><tbody>\n"));
    d->head_done = true;
}

static void put_item(struct drawing *d, enum block kind, str text)
{
    turn(d, kind);
    buf_put(d->b, STR("<li>"));
    put_inline(d->b, text);
    buf_put(d->b, STR("</li>\n"));
}

static void put_heading(struct drawing *d, str line)
{
    bool first = str_starts(line, STR("# "));
    turn(d, BLOCK_NONE);
    buf_put(d->b, first ? STR("<h1>") : STR("<h2>"));
    put_inline(d->b, str_sub(line, first ? 2 : 3, line.n));
    buf_put(d->b, first ? STR("</h1>\n") : STR("</h2>\n"));
}

static void put_line(struct drawing *d, str line)
{
    size_t at = 0;
    if (line.n == 0)
        turn(d, BLOCK_NONE);
    else if (str_starts(line, STR("# ")) || str_starts(line, STR("## ")))
        put_heading(d, line);
    else if (str_starts(line, STR("- ")))
        put_item(d, BLOCK_LIST, str_sub(line, 2, line.n));
    else if (line.p[0] >= '1' && line.p[0] <= '9' && str_find(line, STR(". "), &at) && at <= 2)
        put_item(d, BLOCK_NUMBERS, str_sub(line, at + 2, line.n));
    else if (line.n > 2 && line.p[0] == '|' && line.p[line.n - 1] == '|')
        put_row(d, line);
    else {
        turn(d, BLOCK_TEXT);
        put_inline(d->b, line);
    }
}

static const struct guide_text *find(str name)
{
    for (size_t i = 0; i < guide_texts_n; i++)
        if (str_eq(name, str_of(guide_texts[i].name)))
            return &guide_texts[i];
    return NULL;
}

static enum rc get_guide(struct request *rq, void *ctx, struct fault *why)
{
    str lang = rq_arg(rq, "lang"), name = rq_arg(rq, "name"), line, rest;
    struct buf b;
    struct drawing d = {.b = &b};
    (void)ctx;
    if (lang.n == 0)
        lang = rq_lang(rq);
    bool th = str_eq(lang, STR("th"));
    const struct guide_text *g = NULL;
    if (!str_ends(name, STR(".th")))
        g = find(th ? arena_fmt(rq_mem(rq), STR_FMT ".th", STR_ARG(name)) : name);
    if (g == NULL)
        return fault_set(why, RC_MISSING, "http.not_found", "no such guide");
    rest = (str){(const char *)g->bytes, g->n};
    must(str_cut(&rest, '\n', &line) && str_starts(line, STR("# ")));
    buf_init(&b, rq_mem(rq), PAGE_BYTES);
    page_begin(&b, lang, str_sub(line, 2, line.n));
    put_line(&d, line);
    while (str_cut(&rest, '\n', &line))
        put_line(&d, line);
    turn(&d, BLOCK_NONE);
    buf_put(&b, STR("<p class=\"muted\"><a href=\"/guides/"));
    buf_put_html(&b, name);
    buf_fmt(&b, "?lang=%s\" lang=\"%s\">%s</a></p>\n", th ? "en" : "th", th ? "en" : "th",
            th ? "English" : "ภาษาไทย");
    page_end(&b, lang);
    answer_page(rq, 200, buf_str(&b));
    return buf_ok(&b) ? RC_OK : fault_set(why, RC_FULL, "base.arena", "the guide is too long");
}

static const struct param guide_params[] = {
    {.name = "name",
     .in = IN_PATH,
     .kind = P_TEXT,
     .required = true,
     .max = 64,
     .doc = "enrol-developers, ..."},
    {.name = "lang", .in = IN_QUERY, .kind = P_ENUM, .choices = "en|th", .doc = "Language of the guide."},
};
const struct route guide_routes[] = {
    {.method = "GET",
     .path = "/guides/{name}",
     .name = "guide",
     .cls = HTTP_READ,
     .browser = true,
     .params = guide_params,
     .n_params = COUNT_OF(guide_params),
     .handle = get_guide,
     .doc = "A guide through one of TikTok's portals: enrol-developers, enrol-business-api, "
            "enrol-business-center."},
};
const size_t guide_routes_n = COUNT_OF(guide_routes);

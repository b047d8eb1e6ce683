#include "html.h"

#include <string.h>

#include "keys.h"

enum {
    BYTES_MAX = 200
};

/*
 * Everything is in the page: no style, script, font or picture comes from anywhere else. Colours
 * are those of the reader's system, light or dark; on paper, light.
 */
static const char style[] =
    ":root{color-scheme:light dark;--back:#fff;--text:#1c2430;--dim:#5b6675;--line:#d8dee6;"
    "--card:#f5f7fa;--a:#2463c9;--b:#c4581a;--c:#2b8a4b;--d:#8250b5;--soft:#dfe8f7}"
    "@media (prefers-color-scheme:dark){:root{--back:#14181e;--text:#e4e9ef;--dim:#98a4b3;"
    "--line:#333c47;--card:#1c222a;--a:#6ea8ff;--b:#f0975a;--c:#63c987;--d:#bd93f0;"
    "--soft:#26344a}}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:62rem;padding:2rem 1.25rem 4rem;background:var(--back);"
    "color:var(--text);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}"
    "h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem;overflow-wrap:anywhere}"
    "h2{font-size:1.2rem;margin:2.5rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--line)}"
    "h3{font-size:1rem;margin:1.5rem 0 .25rem}"
    "p{margin:.5rem 0;max-width:48rem}.dim{color:var(--dim);font-size:.9rem;font-weight:400}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;"
    "margin:1.25rem 0}.tile{background:var(--card);border:1px solid var(--line);"
    "border-radius:.5rem;padding:.7rem .9rem}.tile b{display:block;font-size:1.3rem;"
    "line-height:1.3;font-variant-numeric:tabular-nums}"
    ".tile span{color:var(--dim);font-size:.85rem}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem 2rem}"
    ".half{max-width:32rem}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-"
    "size:.9rem;"
    "font-variant-numeric:tabular-nums;margin:.5rem 0}"
    "th,td{text-align:left;padding:.28rem .6rem .28rem 0;border-bottom:1px solid var(--line);"
    "vertical-align:top}th{color:var(--dim);font-weight:600}.r{text-align:right}"
    "code{font:.86em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;"
    "overflow-wrap:anywhere}"
    "td.r{white-space:nowrap}.wide td:first-child{min-width:5.5rem}"
    "svg{display:block;width:100%;height:auto;margin:.4rem 0}"
    /* On a narrow screen it is moved sideways: its words would be too small otherwise. */
    ".plot{min-width:36rem}"
    "svg text{font:12px system-ui,sans-serif;fill:var(--dim)}svg .name{fill:var(--text)}"
    ".axis{stroke:var(--line);fill:none}.a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}"
    ".d{stroke:var(--d)}.line{fill:none;stroke-width:2.2;stroke-linejoin:round}"
    ".dash{stroke-dasharray:5 4}.dot{stroke:var(--back);stroke-width:1.5}"
    ".fa{fill:var(--a)}.fb{fill:var(--b)}.fc{fill:var(--c)}.fd{fill:var(--d)}"
    ".f0{fill:var(--line)}.fs{fill:var(--soft)}"
    ".legend{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;font-size:.88rem;margin:.3rem 0}"
    ".legend i{display:inline-block;width:.8rem;height:.8rem;border-radius:.2rem;"
    "margin-right:.4rem;vertical-align:-.08rem}"
    ".ka{background:var(--a)}.kb{background:var(--b)}.kc{background:var(--c)}"
    ".kd{background:var(--d)}.k0{background:var(--line)}"
    "@media print{:root{--back:#fff;--text:#000;--dim:#444;--line:#bbb;--card:#fff;--a:#1b50a8;"
    "--b:#b04a10;--c:#1f6e3a;--d:#6a3d9a;--soft:#e6e6e6;color-scheme:light}"
    "body{max-width:none;padding:0;font-size:11pt}h2,h3,.legend{break-after:avoid}"
    "svg,tr,.tile{break-inside:avoid}*{print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}}";

void cli_html_text_of(struct cli_out *out, const char *text, size_t nbytes)
{
    for (size_t i = 0; i < nbytes; i++) {
        switch (text[i]) {
        case '&':
            cli_out_text(out, "&amp;");
            break;
        case '<':
            cli_out_text(out, "&lt;");
            break;
        case '>':
            cli_out_text(out, "&gt;");
            break;
        case '"':
            cli_out_text(out, "&quot;");
            break;
        case '\'':
            cli_out_text(out, "&#39;");
            break;
        default:
            cli_out_write(out, text + i, 1);
        }
    }
}

void cli_html_text(struct cli_out *out, const char *text)
{
    cli_html_text_of(out, text, strlen(text));
}

void cli_html_bytes(struct cli_out *out, const void *bytes, size_t nbytes)
{
    char text[BYTES_MAX * CLI_KEY_TEXT_NBYTES_MAX];
    size_t shown = nbytes < BYTES_MAX ? nbytes : BYTES_MAX;
    cli_html_text_of(out, text, cli_key_encode(CLI_KEYS_ESCAPED, bytes, shown, text));
    if (shown < nbytes)
        cli_out_text(out, "...");
}

void cli_html_begin(struct cli_out *out, const char *title)
{
    cli_out_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    cli_html_bytes(out, title, strlen(title));
    cli_out_text(out, "</title>\n<style>");
    cli_out_text(out, style);
    cli_out_text(out, "</style>\n</head>\n<body>\n");
}

void cli_html_end(struct cli_out *out)
{
    cli_out_text(out, "</body>\n</html>\n");
}

void cli_html_table_begin(struct cli_out *out, const char *const *heads, size_t count, size_t right)
{
    cli_out_text(out, "<div class=\"wide\"><table>\n<tr>");
    for (size_t i = 0; i < count; i++) {
        cli_out_text(out, i + right >= count ? "<th class=\"r\">" : "<th>");
        cli_html_text(out, heads[i]);
        cli_out_text(out, "</th>");
    }
    cli_out_text(out, "</tr>\n");
}

void cli_html_table_end(struct cli_out *out)
{
    cli_out_text(out, "</table></div>\n");
}

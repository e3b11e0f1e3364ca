//! Pages: one file that a browser shows without asking anybody for anything.
//!
//! **Promises** no script, no font, no request; light and dark as the reader's system has it; every
//! drawing with its numbers in a table, so that nothing is told by picture or colour alone. Words that
//! come from outside are escaped wherever they stand.

pub mod chart;
pub mod plot;

use std::fmt::Write;

/// Writes into a text, which cannot fail.
macro_rules! put {
    ($out:expr, $($form:tt)*) => {{
        let written = write!($out, $($form)*);
        assert!(written.is_ok(), "memory takes every text");
    }};
}
pub(crate) use put;

const STYLE: &str = include_str!("page/page.css");

/// The start of a page, with a line below its title.
pub fn start(title: &str, lead: &str) -> String {
    let mut page = String::new();
    put!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n\
         <p class=\"muted\">{1}</p>\n",
        escape(title),
        escape(lead)
    );
    page
}

/// The end of a page.
pub fn end(page: &mut String) {
    page.push_str("</main>\n</body>\n</html>\n");
}

/// Figures with their names, in a row.
pub fn tiles(page: &mut String, tiles: impl IntoIterator<Item = (String, String)>) {
    page.push_str("<div class=\"tiles\">\n");
    for (value, name) in tiles {
        put!(
            page,
            "<div class=\"card tile\"><b>{}</b><span>{}</span></div>\n",
            escape(&value),
            escape(&name)
        );
    }
    page.push_str("</div>\n");
}

/// What the classes of a drawing stand for.
pub fn legend(page: &mut String, entries: &[(&str, &str)]) {
    page.push_str("<ul class=\"legend\">");
    for (class, text) in entries {
        put!(page, "<li><i class=\"{class}\"></i>{}</li>", escape(text));
    }
    page.push_str("</ul>\n");
}

/// A table that opens on demand.
pub fn details<const N: usize>(
    page: &mut String,
    title: &str,
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    put!(page, "<details><summary>{}</summary>", escape(title));
    table(page, head, rows);
    page.push_str("</details>\n");
}

/// A table: words in the first column, numbers in the others.
pub fn table<const N: usize>(
    page: &mut String,
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) {
    let class = |place: usize| if place == 0 { "" } else { " class=\"number\"" };
    page.push_str("<div class=\"scroll\"><table><thead><tr>");
    for (place, name) in head.iter().enumerate() {
        put!(
            page,
            "<th scope=\"col\"{}>{}</th>",
            class(place),
            escape(name)
        );
    }
    page.push_str("</tr></thead><tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            put!(page, "<td{}>{}</td>", class(place), escape(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}

/// Text with what HTML would take for markup made harmless.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control characters are no characters of HTML; a word of a table may hold any.
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
    out
}

/// A share as a short percentage.
pub fn percent(share: f64) -> String {
    let hundred = share * 100.0;
    match hundred {
        _ if hundred == 0.0 => "0 %".to_owned(),
        _ if hundred < 0.01 => "< 0.01 %".to_owned(),
        _ if hundred < 10.0 => format!("{hundred:.2} %"),
        _ => format!("{hundred:.1} %"),
    }
}

/// A whole number with its thousands set apart.
pub fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_table_cannot_become_markup() {
        assert_eq!(
            escape("<b a='1'>\"&\u{7}"),
            "&lt;b a=&#39;1&#39;&gt;&quot;&amp;\u{fffd}"
        );
        let mut page = start("<i>", "&");
        table(&mut page, &["<u>"], std::iter::once(["<s>".to_owned()]));
        legend(&mut page, &[("volume", "<q>")]);
        tiles(&mut page, [("<x>".to_owned(), "<y>".to_owned())]);
        for tag in ["<i><", "<u>", "<s>", "<q>", "<x>", "<y>"] {
            assert!(!page.contains(tag), "{tag}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [1.0, 999.0, 1_000.0, 1_234_567.0].map(grouped),
            ["1", "999", "1,000", "1,234,567"]
        );
    }
}

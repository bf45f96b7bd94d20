//! The report as one HTML file that needs nothing beside it: styles, script and data are in it.
//!
//! Data is JSON in a script element that no browser runs; every `<` in it is written `\u003c`, so that no name from a dump
//! or a capture can end the element. The script puts text into the page as text only.

mod columns;

use std::io::{self, Write};

use netverdict_replay::Setup;

use crate::flows::Flows;
use crate::model::Report;

const PAGE: &str = include_str!("../assets/report.html");
const STYLE: &str = include_str!("../assets/report.css");
const SCRIPT: &str = include_str!("../assets/report.js");

/// Writes the page.
///
/// # Errors
/// The writer's.
pub fn write(setup: &Setup, report: &Report, flows: &Flows, out: &mut dyn Write) -> io::Result<()> {
    let data = columns::Data::new(setup, report, flows);
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        out.write_all(before.as_bytes())?;
        match name {
            "title" => out.write_all(escape(&report.host.name).as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "script" => out.write_all(SCRIPT.as_bytes())?,
            "totals" => totals(report, out)?,
            "data" => serde_json::to_writer(Guard(&mut *out), &data)?,
            _ => {}
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// What readers without scripts see.
fn totals(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    report.totals.iter().try_for_each(|total| {
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            total.verdict, total.fate, total.packets, total.bytes
        )
    })
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, letter| {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            letter => out.push(letter),
        }
        out
    })
}

/// Passes JSON on without a `<`, which inside JSON stands in strings only.
struct Guard<'w>(&'w mut dyn Write);

impl Write for Guard<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut parts = bytes.split(|byte| *byte == b'<');
        if let Some(first) = parts.next() {
            self.0.write_all(first)?;
        }
        for part in parts {
            self.0.write_all(b"\\u003c")?;
            self.0.write_all(part)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_the_script_element() {
        let hostile = "</script><script>alert(1)</script><!--";
        let mut out = Vec::new();
        serde_json::to_writer(Guard(&mut out), hostile).unwrap();
        assert!(!out.contains(&b'<'));
        let read: String = serde_json::from_slice(&out).unwrap();
        assert_eq!(read, hostile);
    }

    #[test]
    fn the_page_needs_nothing_beside_it() {
        for part in [PAGE, STYLE, SCRIPT] {
            for outside in [
                "src=",
                "@import",
                "url(",
                "fetch(",
                "XMLHttpRequest",
                "innerHTML",
            ] {
                assert!(!part.contains(outside), "{outside}");
            }
        }
        assert!(!SCRIPT.contains("</script"), "the script ends itself");
    }

    #[test]
    fn titles_are_text() {
        assert_eq!(escape("<a href=\"&\">"), "&lt;a href=&quot;&amp;&quot;&gt;");
    }
}

//! `--assume FACT`: the text of a fact that the inputs lack into what the engine takes. The command line, and suites of
//! cases, take facts so.
//!
//! ```text
//! FACT := ABOUT [for FLOW]
//! FLOW := [PROTOCOL] [END > END]     a packet by its header as it came, before any translation
//! END  := * | ADDRESS[/LENGTH][:PORT[-PORT]] | [V6[/LENGTH]]:PORT[-PORT] | *:PORT[-PORT]
//! ```

mod about;
mod flow;
mod words;

use netverdict_engine::Fact;

use words::Words;

/// Why a text is no fact.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found}; expected {expected}{}", .meant.as_ref().map_or_else(String::new, |m| format!(" (did you mean `{m}`?)")))]
pub struct AssumeError {
    /// What is wrong.
    pub found: String,
    /// What was expected there.
    pub expected: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

/// Reads the text of one `--assume`.
pub fn parse(text: &str) -> Result<Fact, AssumeError> {
    let mut words = Words::new(text);
    let about = about::read(&mut words)?;
    let flow = if words.take_if("for") {
        Some(flow::read(&mut words)?)
    } else {
        None
    };
    words.end(if flow.is_some() {
        "nothing more"
    } else {
        "`for` and a flow, or nothing more"
    })?;
    Ok(Fact {
        about,
        flow,
        text: words.text(),
    })
}

#[cfg(test)]
mod tests;

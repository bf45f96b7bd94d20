//! IRC (nf_conntrack_irc.c): a DCC offer names address and port of the one who makes it.

use netverdict_net::Protocol;

use super::{Announced, Direction, Found, Message, decimal};

const COMMANDS: [&[u8]; 5] = [b"SEND ", b"CHAT ", b"MOVE ", b"TSEND ", b"SCHAT "];
/// The shortest offer: ` :\1DCC CHAT t AAAAAAAA P\1\n`.
const SHORTEST: usize = 26;

pub(super) fn read(message: &Message<'_>) -> Found {
    if message.direction == Direction::Reply || !message.established || !message.is_v4() {
        return Found::Nothing;
    }
    let Some((address, port)) = offer(message.payload) else {
        return Found::Nothing;
    };
    let is_own = [message.own().source, message.other().destination].contains(&address.into());
    if !is_own || port == 0 {
        return Found::Nothing;
    }
    Found::Announced(vec![Announced {
        protocol: Protocol::TCP,
        source: None,
        destination: message.other().destination,
        port,
        follow: None,
    }])
}

/// Address and port of the first message, if it is a DCC offer.
fn offer(payload: &[u8]) -> Option<(u32, u16)> {
    let blanks = payload
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\r' | b'\n'));
    let skipped = blanks.count().min(payload.len().saturating_sub(10));
    let mut rest = payload.get(skipped..)?;
    if rest.len() > 10 {
        let command = rest.get(..8)?;
        if !command.eq_ignore_ascii_case(b"PRIVMSG ") {
            return None;
        }
        rest = rest.get(8..)?;
    }
    let start = rest.windows(2).position(|pair| pair == b" :")?;
    if rest.len().checked_sub(start)? <= SHORTEST {
        return None;
    }
    let text = rest.get(start + 2..)?.strip_prefix(b"\x01DCC ")?;
    let arguments = COMMANDS
        .iter()
        .find_map(|command| text.strip_prefix(*command))?;
    parse(arguments)
}

/// `word address port`, with a line's end somewhere behind (`parse_dcc`).
fn parse(arguments: &[u8]) -> Option<(u32, u16)> {
    let word = arguments.iter().position(|byte| *byte == b' ')?;
    let rest = arguments.get(word + 1..)?;
    // 12 bytes: "AAAAAAAA P\1\n".
    if arguments.len() < word + 12 || !rest.contains(&b'\n') {
        return None;
    }
    let (address, digits) = decimal(rest);
    let rest = rest.get(digits..)?;
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    let (port, _) = decimal(rest.get(blanks..)?);
    Some((address as u32, port as u16))
}

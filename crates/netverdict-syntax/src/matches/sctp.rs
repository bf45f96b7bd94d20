//! `-m sctp`.

use netverdict_net::{PortRange, Protocol};
use netverdict_ruleset::matches::{Match, Sctp, SctpChunk, SctpChunks, SctpScope, SctpTypes};

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "sctp",
    family: None,
    options: &[
        Opt::value("sport").invertible(),
        Opt::value("source-port").alias_of("sport").invertible(),
        Opt::value("dport").invertible(),
        Opt::value("destination-port")
            .alias_of("dport")
            .invertible(),
        Opt::pair("chunk-types").invertible(),
    ],
    place: Place::ANY.protocols(&[Protocol::SCTP]),
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    Ok(Match::Sctp(Sctp {
        source: given.test("sport", ports)?,
        destination: given.test("dport", ports)?,
        chunks: given.test("chunk-types", |scope| chunks(given, scope))?,
    }))
}

fn ports(arg: Arg<'_>) -> Parsed<PortRange> {
    let range = arg.ports(Some("sctp"))?;
    if range.start > range.end {
        return Err(arg.bad("a range from low to high"));
    }
    Ok(range)
}

fn chunks(given: &Given<'_>, scope: Arg<'_>) -> Parsed<SctpChunks> {
    let list = given.second("chunk-types").unwrap_or(scope);
    Ok(SctpChunks {
        scope: scope.one_of(&[
            ("any", SctpScope::Any),
            ("all", SctpScope::All),
            ("only", SctpScope::Only),
        ])?,
        types: types(list)?,
    })
}

fn types(list: Arg<'_>) -> Parsed<SctpTypes> {
    match list.text.to_ascii_uppercase().as_str() {
        "ALL" => return Ok(SctpTypes::All),
        "NONE" => return Ok(SctpTypes::None),
        _ => {}
    }
    let mut chunks: Vec<SctpChunk> = Vec::new();
    for text in list.text.split(',') {
        let chunk = chunk(list, text)?;
        match chunks.iter_mut().find(|c| c.kind == chunk.kind) {
            Some(same) => *same = chunk,
            None => chunks.push(chunk),
        }
    }
    chunks.sort_by_key(|chunk| chunk.kind);
    Ok(SctpTypes::Listed(chunks))
}

fn chunk(list: Arg<'_>, text: &str) -> Parsed<SctpChunk> {
    let (name, letters) = text.split_once(':').unwrap_or((text, ""));
    let known = SctpChunk::NAMES
        .iter()
        .find(|(n, ..)| name.eq_ignore_ascii_case(n));
    let Some((_, kind, valid)) = known else {
        return Err(list.bad("a comma list of chunk types, `DATA`, `INIT`, …, or `ALL` or `NONE`"));
    };
    let (mut flags, mut flag_mask) = (0, 0);
    for letter in letters.chars() {
        let index = valid
            .chars()
            .position(|v| v != '-' && v.eq_ignore_ascii_case(&letter));
        let Some(index) = index else {
            return Err(list.bad(format!("chunk flags of `{valid}`")));
        };
        let bit = 0x80u8 >> index;
        flag_mask |= bit;
        flags = if letter.is_ascii_uppercase() {
            flags | bit
        } else {
            flags & !bit
        };
    }
    Ok(SctpChunk {
        kind: *kind,
        flag_mask,
        flags,
    })
}

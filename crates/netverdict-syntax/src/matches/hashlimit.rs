//! `-m hashlimit`.

use netverdict_ruleset::matches::{Hashlimit, HashlimitMode, HashlimitRate, Match};

use super::limit::period;
use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::{masked, number};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "hashlimit",
    family: None,
    options: &[
        Opt::value("hashlimit-upto")
            .invertible()
            .excludes(&["hashlimit-above"]),
        Opt::value("hashlimit")
            .alias_of("hashlimit-upto")
            .invertible()
            .excludes(&["hashlimit-above"]),
        Opt::value("hashlimit-above")
            .invertible()
            .excludes(&["hashlimit-upto"]),
        Opt::value("hashlimit-srcmask"),
        Opt::value("hashlimit-dstmask"),
        Opt::value("hashlimit-burst"),
        Opt::value("hashlimit-htable-size"),
        Opt::value("hashlimit-htable-max"),
        Opt::value("hashlimit-htable-gcinterval"),
        Opt::value("hashlimit-htable-expire"),
        Opt::value("hashlimit-mode"),
        Opt::value("hashlimit-name").mandatory(),
        Opt::flag("hashlimit-rate-match"),
        Opt::value("hashlimit-rate-interval"),
    ],
    place: Place::ANY,
    build,
};

/// Most packets of a burst.
const BURST_MAX: u64 = 1_000_000;
/// Bytes of a name, the final NUL aside.
const NAME_MAX: usize = 254;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let above = given.arg("hashlimit-above");
    let arg = above
        .or_else(|| given.arg("hashlimit-upto"))
        .ok_or_else(|| given.missing("--hashlimit-upto or --hashlimit-above"))?;
    let (rate, expire, unit) = rate(given, arg)?;
    let number = |id: &str| given.read(id, Arg::u32);
    let rate_match = rate_match(given, &rate, unit)?;
    Ok(Match::Hashlimit(Hashlimit {
        above: above.is_some() != arg.inverted,
        rate: if rate_match.is_some() {
            per_unit(rate, unit)
        } else {
            rate
        },
        mode: given.read("hashlimit-mode", mode)?.unwrap_or_default(),
        name: given.required("hashlimit-name")?.cut_text(1, NAME_MAX)?,
        size: number("hashlimit-htable-size")?.unwrap_or(0),
        max: number("hashlimit-htable-max")?.unwrap_or(0),
        gc_interval: number("hashlimit-htable-gcinterval")?
            .unwrap_or(Hashlimit::DEFAULT_GC_INTERVAL),
        expire: number("hashlimit-htable-expire")?.unwrap_or(expire),
        source_prefix_len: given.read("hashlimit-srcmask", prefix_len)?.flatten(),
        destination_prefix_len: given.read("hashlimit-dstmask", prefix_len)?.flatten(),
        rate_match,
    }))
}

/// The rate, the lifetime in milliseconds that goes with it, and the seconds of its unit.
fn rate(given: &Given<'_>, arg: Arg<'_>) -> Parsed<(HashlimitRate, u32, u64)> {
    let burst = given.read("hashlimit-burst", burst)?;
    if arg.text.contains("b/s") {
        return byte_rate(given, arg, burst);
    }
    let (period, seconds) = period(arg, HashlimitRate::SCALE)?;
    let burst = burst.unwrap_or(5);
    if burst > BURST_MAX {
        return Err(given.problem(
            Code::Value,
            format!("a burst has at most {BURST_MAX} packets"),
        ));
    }
    let rate = HashlimitRate::Packets {
        period,
        burst: burst as u32,
    };
    Ok((rate, seconds as u32 * 1000, seconds))
}

fn byte_rate(
    given: &Given<'_>,
    arg: Arg<'_>,
    burst: Option<u64>,
) -> Parsed<(HashlimitRate, u32, u64)> {
    let bytes = arg.text.split("b/s").next().and_then(rate_bytes);
    let bytes = bytes
        .filter(|n| *n > 0)
        .ok_or_else(|| arg.bad("a rate such as `512kb/s`"))?;
    let cost = HashlimitRate::cost_of_bytes(bytes);
    if cost == 0 {
        return Err(arg.bad("a lower rate"));
    }
    let unit = HashlimitRate::bytes_of_cost(cost);
    let (refills, expire) = match burst {
        None => (0, HashlimitRate::BYTES_EXPIRE),
        Some(burst) if burst < unit => {
            return Err(given.problem(
                Code::Value,
                format!("a burst cannot be smaller than {unit}b"),
            ));
        }
        Some(burst) => (
            burst.div_ceil(unit.max(1)) as u32,
            HashlimitRate::BYTES_BURST_EXPIRE,
        ),
    };
    Ok((HashlimitRate::Bytes { cost, refills }, expire, 15))
}

/// The leading digits of `512`, `512k`, `2m`, times the unit; any other letter counts for nothing.
fn rate_bytes(text: &str) -> Option<u64> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).next()?;
    let unit = match text.as_bytes().last()? {
        b'k' => 1 << 10,
        b'm' => 1 << 20,
        _ => 1,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// `512`, `512k`, `2m`.
fn byte_count(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'k' | b'K' => (&text[..text.len() - 1], 1 << 10),
        b'm' | b'M' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1u64),
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// A number of packets, or of bytes with `b`, `kb` or `mb`.
fn burst(arg: Arg<'_>) -> Parsed<u64> {
    let text = arg.text.strip_suffix(['b', 'B']);
    let burst = match text {
        Some(bytes) => byte_count(bytes),
        None => number(arg.text),
    };
    burst
        .filter(|n| *n > 0)
        .ok_or_else(|| arg.bad("a number of packets, or bytes such as `400kb`"))
}

fn rate_match(given: &Given<'_>, rate: &HashlimitRate, unit: u64) -> Parsed<Option<u32>> {
    let interval = given.read("hashlimit-rate-interval", Arg::u32)?;
    let usual = match rate {
        HashlimitRate::Packets { .. } => unit as u32,
        HashlimitRate::Bytes { .. } => 1,
    };
    let interval = interval.filter(|n| *n > 0).unwrap_or(usual);
    Ok(given.has("hashlimit-rate-match").then_some(interval))
}

/// With rate-match, a packet period counts for one second of its unit.
const fn per_unit(rate: HashlimitRate, unit: u64) -> HashlimitRate {
    match rate {
        HashlimitRate::Packets { period, burst } => HashlimitRate::Packets {
            period: period / unit,
            burst,
        },
        bytes @ HashlimitRate::Bytes { .. } => bytes,
    }
}

fn mode(arg: Arg<'_>) -> Parsed<HashlimitMode> {
    let mut mode = HashlimitMode::default();
    for name in arg.text.split(',').filter(|name| !name.is_empty()) {
        match name {
            "srcip" => mode.source_address = true,
            "srcport" => mode.source_port = true,
            "dstip" => mode.destination_address = true,
            "dstport" => mode.destination_port = true,
            _ => return Err(arg.bad("a comma list of srcip, srcport, dstip, dstport")),
        }
    }
    Ok(mode)
}

/// A prefix length; the full one goes without saying.
fn prefix_len(arg: Arg<'_>) -> Parsed<Option<u8>> {
    let mask = arg.mask()?;
    let len = masked(mask, mask).prefix_len();
    let len = len.ok_or_else(|| arg.bad("a mask without holes"))?;
    Ok((len != arg.family.bits()).then_some(len))
}

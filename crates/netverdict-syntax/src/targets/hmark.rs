//! `-j HMARK`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Hmark;

use crate::problem::{Code, Parsed};
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::masked;

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "HMARK",
    family: None,
    options: &[
        Opt::value("hmark-tuple"),
        Opt::value("hmark-src-prefix"),
        Opt::value("hmark-dst-prefix"),
        Opt::value("hmark-sport-mask"),
        Opt::value("hmark-dport-mask"),
        Opt::value("hmark-spi-mask"),
        Opt::value("hmark-sport"),
        Opt::value("hmark-dport"),
        Opt::value("hmark-spi"),
        Opt::value("hmark-proto-mask"),
        Opt::value("hmark-rnd").mandatory(),
        Opt::value("hmark-mod").mandatory(),
        Opt::value("hmark-offset"),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let mut hmark = given.read("hmark-tuple", tuple)?.unwrap_or_default();
    let u16 = |id: &str| given.read(id, Arg::u16);
    let u32 = |id: &str| given.read(id, Arg::u32);
    put(
        &mut hmark.source_prefix_len,
        given.read("hmark-src-prefix", prefix_len)?,
    );
    put(
        &mut hmark.destination_prefix_len,
        given.read("hmark-dst-prefix", prefix_len)?,
    );
    put(&mut hmark.source_port_mask, u16("hmark-sport-mask")?);
    put(&mut hmark.destination_port_mask, u16("hmark-dport-mask")?);
    put(&mut hmark.spi_mask, u32("hmark-spi-mask")?);
    put(&mut hmark.source_port, u16("hmark-sport")?);
    put(&mut hmark.destination_port, u16("hmark-dport")?);
    put(&mut hmark.spi, u32("hmark-spi")?);
    put(&mut hmark.protocol_mask, u16("hmark-proto-mask")?);
    put(&mut hmark.seed, u32("hmark-rnd")?);
    put(&mut hmark.offset, u32("hmark-offset")?);
    hmark.modulus = given
        .required("hmark-mod")?
        .number(1, u64::from(u32::MAX))? as u32;
    check(given, &hmark)?;
    Ok(Target::Hmark(hmark))
}

fn put<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

fn check(given: &Given<'_>, hmark: &Hmark) -> Parsed<()> {
    let ports = hmark.source_port_mask.is_some() || hmark.destination_port_mask.is_some();
    if hmark.spi_mask.is_some() && ports {
        return Err(given.problem(
            Code::Combination,
            "masks of ports and of the SPI exclude each other",
        ));
    }
    let hashed = hmark.source_prefix_len.is_some()
        || hmark.destination_prefix_len.is_some()
        || hmark.spi_mask.is_some()
        || hmark.protocol_mask.is_some()
        || ports;
    if !hashed && !hmark.use_conntrack {
        return Err(given.missing("--hmark-tuple"));
    }
    Ok(())
}

fn prefix_len(arg: Arg<'_>) -> Parsed<u8> {
    let mask = arg.mask()?;
    Ok(masked(mask, mask).prefix_len().unwrap_or(arg.family.bits()))
}

/// Each word stands for the full mask of a field; `ct` for the connection's tuple.
fn tuple(arg: Arg<'_>) -> Parsed<Hmark> {
    let mut hmark = Hmark::default();
    let bits = Some(arg.family.bits());
    for word in arg.text.split(',') {
        match word {
            "src" => hmark.source_prefix_len = bits,
            "dst" => hmark.destination_prefix_len = bits,
            "sport" => hmark.source_port_mask = Some(u16::MAX),
            "dport" => hmark.destination_port_mask = Some(u16::MAX),
            "spi" => hmark.spi_mask = Some(u32::MAX),
            "proto" => hmark.protocol_mask = Some(u16::MAX),
            "ct" => hmark.use_conntrack = true,
            _ => return Err(arg.bad("a comma list of src, dst, sport, dport, spi, proto, ct")),
        }
    }
    Ok(hmark)
}

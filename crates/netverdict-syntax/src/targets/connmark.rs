//! `-j CONNMARK`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::{Connmark, ConnmarkAction, ConnmarkShift};

use super::mark::change;
use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

const ALL: &[&str] = &[
    "set-xmark",
    "set-mark",
    "and-mark",
    "or-mark",
    "xor-mark",
    "save-mark",
    "restore-mark",
];

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "CONNMARK",
    family: None,
    options: &[
        Opt::value("set-xmark").excludes(ALL),
        Opt::value("set-mark").excludes(ALL),
        Opt::value("and-mark").excludes(ALL),
        Opt::value("or-mark").excludes(ALL),
        Opt::value("xor-mark").excludes(ALL),
        Opt::flag("save-mark").excludes(ALL),
        Opt::flag("restore-mark").excludes(ALL),
        Opt::value("left-shift-mark"),
        Opt::value("right-shift-mark"),
        Opt::value("ctmask").excludes(&["mask"]),
        Opt::value("nfmask").excludes(&["mask"]),
        Opt::value("mask").excludes(&["ctmask", "nfmask"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let action = match change(given)? {
        Some((value, mask)) => ConnmarkAction::Set { value, mask },
        None => copy(given)?,
    };
    let shift = |id: &str, left: bool| -> Parsed<Option<ConnmarkShift>> {
        let bits = given.read(id, |arg| arg.number(0, 31))?;
        let bits = bits.filter(|bits| *bits > 0);
        Ok(bits.map(|bits| ConnmarkShift {
            left,
            bits: bits as u8,
        }))
    };
    Ok(Target::Connmark(Connmark {
        action,
        shift: shift("left-shift-mark", true)?.or(shift("right-shift-mark", false)?),
    }))
}

fn copy(given: &Given<'_>) -> Parsed<ConnmarkAction> {
    let mask = |id: &str| -> Parsed<u32> {
        Ok(given
            .read(id, Arg::u32)?
            .or(given.read("mask", Arg::u32)?)
            .unwrap_or(u32::MAX))
    };
    let (nfmask, ctmask) = (mask("nfmask")?, mask("ctmask")?);
    if given.has("save-mark") {
        Ok(ConnmarkAction::Save { nfmask, ctmask })
    } else if given.has("restore-mark") {
        Ok(ConnmarkAction::Restore { nfmask, ctmask })
    } else {
        Err(given.missing("--set-xmark, --save-mark, --restore-mark or another change"))
    }
}

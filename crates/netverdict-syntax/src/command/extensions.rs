//! The matches and the target that a rule loads.

use netverdict_net::Family;
use netverdict_ruleset::matches::Unsupported;
use netverdict_ruleset::{Match, Target};

use crate::command::options::Reader;
use crate::command::{Built, Part};
use crate::problem::{Code, Parsed, Problem, Span};
use crate::spec::{Given, Occurrence, Opt, Place, Spec, check_options};
use crate::value::number;
use crate::words::Word;
use crate::{matches, targets};

/// A loaded match or target with the options it was given.
pub(super) struct Extension {
    kind: Kind,
    /// Where it is named.
    span: Span,
    /// Another match of the same name was loaded later and takes the options now.
    pub(super) completed: bool,
    pub(super) given: Vec<Occurrence>,
    /// The words of one that nobody models.
    pub(super) args: Vec<String>,
}

enum Kind {
    Match(&'static Spec<Match>),
    Target(&'static Spec<Target>),
    ForeignMatch(String),
    ForeignTarget(String),
}

/// Matches of the xtables-addons and other collections: read, not modelled.
const FOREIGN_MATCHES: &[&str] = &[
    "account",
    "asn",
    "condition",
    "dhcpmac",
    "dstlimit",
    "fuzzy",
    "geoip",
    "gradm",
    "iface",
    "ipp2p",
    "ipv4options",
    "l2tp",
    "layer7",
    "length2",
    "lscan",
    "ndpi",
    "pknock",
    "psd",
    "quota2",
    "timerange",
    "unclean",
    "webmon",
    "weburl",
];

/// Targets of the xtables-addons and other collections: read, not modelled.
const FOREIGN_TARGETS: &[&str] = &[
    "ACCOUNT",
    "CHAOS",
    "CLUSTERIP",
    "DELUDE",
    "DHCPMAC",
    "DNETMAP",
    "ECHO",
    "FLOWOFFLOAD",
    "FULLCONENAT",
    "IMQ",
    "IPMARK",
    "IPV4OPTSSTRIP",
    "LOGMARK",
    "MIRROR",
    "NDPI",
    "NETFLOW",
    "PROTO",
    "RAWDNAT",
    "RAWSNAT",
    "ROUTE",
    "SAME",
    "STEAL",
    "SYSRQ",
    "TARPIT",
    "ULOG",
];

/// The families that have a match of this name.
pub fn match_families(name: &str) -> Vec<Family> {
    let has =
        |family: &Family| FOREIGN_MATCHES.contains(&name) || matches::find(name, *family).is_some();
    Family::ALL.into_iter().filter(has).collect()
}

/// The families that have a target of this name.
pub fn target_families(name: &str) -> Vec<Family> {
    let has =
        |family: &Family| FOREIGN_TARGETS.contains(&name) || targets::find(name, *family).is_some();
    Family::ALL.into_iter().filter(has).collect()
}

/// Every match that is read; one with a file for each family comes twice.
pub fn match_names() -> impl Iterator<Item = &'static str> {
    let own = matches::SPECS.iter().map(|spec| spec.name);
    own.chain(FOREIGN_MATCHES.iter().copied())
}

/// Every target that is read, likewise.
pub fn target_names() -> impl Iterator<Item = &'static str> {
    let own = targets::SPECS.iter().map(|spec| spec.name);
    own.chain(FOREIGN_TARGETS.iter().copied())
}

impl Extension {
    fn new(kind: Kind, span: Span) -> Self {
        Self {
            kind,
            span,
            completed: false,
            given: Vec::new(),
            args: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match &self.kind {
            Kind::Match(spec) => spec.name,
            Kind::Target(spec) => spec.name,
            Kind::ForeignMatch(name) | Kind::ForeignTarget(name) => name,
        }
    }

    pub(super) const fn options(&self) -> &'static [Opt] {
        match &self.kind {
            Kind::Match(spec) => spec.options,
            Kind::Target(spec) => spec.options,
            Kind::ForeignMatch(_) | Kind::ForeignTarget(_) => &[],
        }
    }

    const fn is_match(&self) -> bool {
        matches!(self.kind, Kind::Match(_) | Kind::ForeignMatch(_))
    }

    pub(super) const fn is_foreign(&self) -> bool {
        matches!(self.kind, Kind::ForeignMatch(_) | Kind::ForeignTarget(_))
    }
}

fn not_modelled(kind: &str, word: &Word) -> Problem {
    let message = format!("{kind} `{}` is read, but nobody models it", word.text);
    Problem::new(Code::Extension, message)
        .at(word.span)
        .help("where it would decide, the verdict is unknown")
}

impl Reader<'_> {
    pub(super) fn add_match(&mut self, name: &Word) -> Parsed<()> {
        let kind = match matches::find(&name.text, self.context.family) {
            Some(spec) => Kind::Match(spec),
            None if FOREIGN_MATCHES.contains(&name.text.as_str()) => {
                self.warnings.push(not_modelled("match", name));
                Kind::ForeignMatch(name.text.clone())
            }
            None => return Err(self.no_match(name)),
        };
        self.push(Extension::new(kind, name.span));
        Ok(())
    }

    fn no_match(&self, name: &Word) -> Problem {
        let message = format!("no match `{}` for {}", name.text, self.context.family);
        let known = matches::names(self.context.family).chain(FOREIGN_MATCHES.iter().copied());
        Problem::new(Code::Extension, message)
            .at(name.span)
            .did_you_mean(&name.text, known)
    }

    /// Adds a match; earlier ones of the same name take no more options.
    fn push(&mut self, extension: Extension) {
        for earlier in &mut self.extensions {
            earlier.completed |= earlier.name() == extension.name();
        }
        self.extensions.push(extension);
    }

    /// Loads the target, unless a chain of that name comes first. A name that is neither is left for later.
    pub(super) fn add_target(&mut self, name: &Word) -> Parsed<()> {
        if (self.context.is_chain)(&name.text) {
            return Ok(());
        }
        let kind = match targets::find(&name.text, self.context.family) {
            Some(spec) => Kind::Target(spec),
            None if FOREIGN_TARGETS.contains(&name.text.as_str()) => {
                self.warnings.push(not_modelled("target", name));
                Kind::ForeignTarget(name.text.clone())
            }
            None => return Ok(()),
        };
        self.extensions.push(Extension::new(kind, name.span));
        Ok(())
    }

    /// Refuses a name for a new chain that is a target's.
    pub(super) fn not_a_target(&self, name: &Word) -> Parsed<()> {
        if targets::find(&name.text, self.context.family).is_none() {
            return Ok(());
        }
        let message = format!("`{}` is the name of a target", name.text);
        Err(Problem::new(Code::Chain, message).at(name.span))
    }

    /// Loads the match of the rule's protocol for an option that nothing else has. Each rule has one try.
    pub(super) fn load_protocol(&mut self, span: Span) -> bool {
        let Some(protocol) = self.tests.protocol else {
            return false;
        };
        let name = match number(&self.protocol_name) {
            Some(_) => netverdict_ruleset::protocol::name(protocol.value).to_string(),
            None => self.protocol_name.clone(),
        };
        let Some(spec) = matches::find(&name, self.context.family) else {
            return false;
        };
        if std::mem::replace(&mut self.protocol_loaded, true) {
            return false;
        }
        self.push(Extension::new(Kind::Match(spec), span));
        true
    }

    /// Makes typed values of everything loaded.
    pub(super) fn build(&mut self) -> Parsed<Built> {
        let loaded = self.extensions.len();
        let matches = self.extensions.iter().filter(|e| e.is_match()).count();
        let mut built = Built {
            matches: Vec::with_capacity(matches),
            target: None,
            parts: Vec::with_capacity(loaded),
        };
        for extension in &self.extensions {
            self.build_one(extension, &mut built)?;
        }
        self.warn_hidden_macs(&built);
        Ok(built)
    }

    fn build_one(&self, extension: &Extension, built: &mut Built) -> Parsed<()> {
        let unsupported = |name: &str| Unsupported {
            name: name.to_owned(),
            args: extension.args.clone(),
        };
        match &extension.kind {
            Kind::Match(spec) => {
                let value = self.make(extension, spec)?;
                built.parts.push(part(extension, spec.name, &spec.place));
                built.matches.push(value);
            }
            Kind::Target(spec) => {
                built.target = Some(self.make(extension, spec)?);
                built.parts.push(part(extension, spec.name, &spec.place));
            }
            Kind::ForeignMatch(name) => built.matches.push(Match::Unsupported(unsupported(name))),
            Kind::ForeignTarget(name) => {
                built.target = Some(Target::Unsupported(unsupported(name)));
            }
        }
        Ok(())
    }

    fn make<T>(&self, extension: &Extension, spec: &Spec<T>) -> Parsed<T> {
        let given = Given {
            name: spec.name,
            family: self.context.family,
            protocol: self.tests.protocol,
            options: &extension.given,
            span: extension.span,
        };
        check_options(&given, spec.options)?;
        (spec.build)(&given)
    }

    fn warn_hidden_macs(&mut self, built: &Built) {
        let hidden = |m: &Match| matches!(m, Match::Mac(mac) if mac.source.value.is_none());
        let loaded = self.extensions.iter().filter(|e| e.is_match());
        for (_, extension) in built.matches.iter().zip(loaded).filter(|(m, _)| hidden(m)) {
            self.warnings.push(
                Problem::new(Code::Value, "the MAC address is made unreadable")
                    .at(extension.span)
                    .help("where it would decide, the verdict is unknown"),
            );
        }
    }
}

const fn part(extension: &Extension, name: &'static str, place: &'static Place) -> Part {
    Part {
        name,
        place,
        span: extension.span,
    }
}

//! A host's files into rulesets, settings and routes, with every inference stated.
//!
//! [`Bundle::read`] is the only place that reads a host's files. What they leave open, [`infer`] fills in from the rules
//! and from a [`Survey`] of the captures, and says so: each [`Assumption`] names the flag that overrides it. [`place`]
//! decides where a captured packet enters the model.

mod assumption;
mod bundle;
mod collect;
mod conntrack;
mod dumps;
mod error;
mod infer;
mod overrides;
mod read;
mod source;
mod survey;
mod vantage;

pub use assumption::{Assumption, Subject};
pub use bundle::{Bundle, LineError};
pub use collect::{COLLECTED, Collected, collect_script};
pub use conntrack::{ConntrackEntry, ConntrackError, TupleText, parse_conntrack};
pub use dumps::{Dumps, ReadDump};
pub use error::{BundleError, NotRecognised};
pub use infer::{Inferred, infer};
pub use overrides::{Checksums, DirectionMode, LocalAddress, LocalAddressError, Overrides};
pub use source::{Source, SourceId, SourceKind};
pub use survey::{InterfaceSurvey, MacFacts, Seen, Survey, SurveyPacket, Surveyor};
pub use vantage::{Basis, Entry, FrameFacts, Own, Placement, Placer, place};

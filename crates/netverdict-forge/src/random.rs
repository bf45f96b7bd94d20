//! Random hosts, rulesets and traffic for comparing the model with a kernel. The same seed gives the same bytes.

mod focus;
mod helpers;
pub mod network;
pub mod packet;
mod rng;
mod rules;
pub mod sets;
pub mod timeouts;
mod traffic;

pub use focus::{Focus, UnknownFocus};
pub use helpers::{HelperTalk, MACS as HELPER_MACS};
pub use network::{Network, Nic};
pub use rng::Rng;
pub use rules::{Vocabulary, ruleset};
pub use traffic::{Direction, TimedFrame, Traffic};

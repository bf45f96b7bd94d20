//! Random hosts, rulesets and traffic for comparing the model with a kernel. The same seed gives the same bytes.

pub mod network;
pub mod packet;
mod rng;
mod rules;
mod traffic;

pub use network::{Network, Nic};
pub use rng::Rng;
pub use rules::{Vocabulary, ruleset};
pub use traffic::{Direction, TimedFrame, Traffic};

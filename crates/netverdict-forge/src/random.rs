//! Random hosts, rulesets and traffic for comparing the model with a kernel. The same seed gives the same bytes.

pub mod packet;
mod rng;

pub use rng::Rng;

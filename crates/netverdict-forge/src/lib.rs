//! Generators, all from a seed: fixture scenes, random rulesets, hosts and traffic.
//!
//! [`wire`] builds frames, [`tape`] collects what capturing devices saw, [`talk`] plays conversations onto a tape,
//! [`scene`] holds the fixture scenes; [`random`] makes what the kernel comparison runs on.

pub mod random;
pub mod scene;
pub mod talk;
pub mod tape;
pub mod wire;

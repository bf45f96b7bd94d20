//! Generators, all from a seed: fixture scenes, random rulesets, hosts and traffic.
//!
//! [`wire`] builds frames, [`tape`] collects what capturing devices saw, [`talk`] plays conversations onto a tape,
//! [`scene`] holds the fixture scenes, [`pair`] changes to their rules; [`random`] makes what the kernel comparison runs on,
//! [`load`] what is measured with.

pub mod load;
pub mod pair;
pub mod random;
pub mod scene;
pub mod talk;
pub mod tape;
pub mod wire;

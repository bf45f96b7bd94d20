//! Generators: random rulesets, hosts and traffic, each determined by its seed.

pub mod random;

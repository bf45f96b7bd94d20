//! Numbers on the command line: what is no number, or too large, is told with what was expected.

use std::str::FromStr;

/// Reads numbers of a type, which are in words what `expected` says.
pub(crate) fn number<N: FromStr>(
    expected: &'static str,
) -> impl Fn(&str) -> Result<N, String> + Clone {
    move |text| {
        text.parse()
            .map_err(|_: N::Err| format!("expected {expected}"))
    }
}

/// The kernel's tick, as kernels are built with it and a little more.
pub(crate) fn hz(text: &str) -> Result<u32, String> {
    let ticks = text.parse().ok().filter(|n| (1..=10_000).contains(n));
    ticks.ok_or_else(|| "expected a number from 1 to 10000".to_owned())
}

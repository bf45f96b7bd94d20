//! `-j LED`: blinks.

use std::fmt;

/// Triggers a light and goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Led {
    /// `--led-trigger-id` without the `netfilter-` that the kernel puts before it.
    pub id: String,
    /// `--led-delay`.
    pub delay: LedDelay,
    /// `--led-always-blink`.
    pub always_blink: bool,
}

/// How long the light stays on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedDelay {
    /// Milliseconds; 0 is a blink.
    Millis(u32),
    /// For good.
    Forever,
}

impl fmt::Display for Led {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, " --led-trigger-id \"{id}\"")?;
        match self.delay {
            LedDelay::Millis(0) => {}
            LedDelay::Millis(ms) => write!(f, " --led-delay {ms}")?,
            LedDelay::Forever => f.write_str(" --led-delay inf")?,
        }
        f.write_str(if self.always_blink {
            " --led-always-blink"
        } else {
            ""
        })
    }
}

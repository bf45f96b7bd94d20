//! `-j CONNMARK`: sets the connection's mark, or copies between it and the packet's.

use std::fmt;

/// Works on the mark of the packet's connection and goes on; does nothing without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connmark {
    /// What is done.
    pub action: ConnmarkAction,
    /// `--left-shift-mark` or `--right-shift-mark`.
    pub shift: Option<ConnmarkShift>,
}

/// The three actions (`connmark_tg_shift` in xt_connmark.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnmarkAction {
    /// `--set-xmark`: connection mark becomes `(ctmark & !mask) ^ value`, then is shifted.
    Set {
        /// Bits that are flipped after clearing.
        value: u32,
        /// Bits that are cleared first.
        mask: u32,
    },
    /// `--save-mark`: connection mark becomes `(ctmark & !ctmask) ^ shifted(mark & nfmask)`.
    Save {
        /// `--nfmask`.
        nfmask: u32,
        /// `--ctmask`.
        ctmask: u32,
    },
    /// `--restore-mark`: packet mark becomes `(mark & !nfmask) ^ shifted(ctmark & ctmask)`.
    Restore {
        /// `--nfmask`.
        nfmask: u32,
        /// `--ctmask`.
        ctmask: u32,
    },
}

/// A shift of the mark on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnmarkShift {
    /// To the left (`true`) or right.
    pub left: bool,
    /// Bits, 1..=31.
    pub bits: u8,
}

impl fmt::Display for Connmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action {
            ConnmarkAction::Set { value, mask } => write!(f, " --set-xmark {value:#x}/{mask:#x}")?,
            ConnmarkAction::Save { nfmask, ctmask } => {
                write!(f, " --save-mark --nfmask {nfmask:#x} --ctmask {ctmask:#x}")?;
            }
            ConnmarkAction::Restore { nfmask, ctmask } => {
                write!(
                    f,
                    " --restore-mark --nfmask {nfmask:#x} --ctmask {ctmask:#x}"
                )?;
            }
        }
        match self.shift {
            Some(ConnmarkShift { left: true, bits }) => write!(f, " --left-shift-mark {bits}"),
            Some(ConnmarkShift { left: false, bits }) => write!(f, " --right-shift-mark {bits}"),
            None => Ok(()),
        }
    }
}

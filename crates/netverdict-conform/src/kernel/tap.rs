//! One TAP (or TUN) device: what is written to it arrives at the host, what the host sends can be read from it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use netverdict_net::InterfaceName;
use nix::libc;

use super::{Namespace, unchecked};
use crate::RigError;

const NODE: &str = "/dev/net/tun";

/// The largest frame a device can hand out: 64 KiB of IP and its link header.
const LARGEST: usize = 65_536 + 64;

/// An open device. It goes with its namespace.
#[derive(Debug)]
pub(crate) struct Tap {
    file: File,
    pub(crate) name: InterfaceName,
    pub(crate) bare: bool,
}

impl Tap {
    /// Makes a device: with Ethernet headers, or with none (`bare`).
    pub(crate) fn open(
        _inside: &Namespace,
        name: InterfaceName,
        bare: bool,
    ) -> Result<Self, RigError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(NODE)
            .map_err(|source| RigError::MissingTun {
                path: Path::new(NODE).to_owned(),
                source,
            })?;
        let kind = if bare { libc::IFF_TUN } else { libc::IFF_TAP };
        unchecked::set_interface(&file, &name, kind | libc::IFF_NO_PI)
            .map_err(|errno| RigError::Host(format!("making interface `{name}`: {errno}")))?;
        unchecked::outlive_descriptor(&file).map_err(RigError::system("TUNSETPERSIST"))?;
        Ok(Self { file, name, bare })
    }

    /// Puts one frame on the wire towards the host. The kernel has processed it when this returns.
    /// `false`: the driver refuses the frame (shorter than its link header).
    pub(crate) fn write(&self, frame: &[u8]) -> Result<bool, RigError> {
        match (&self.file).write(frame) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(false),
            Err(error) => Err(RigError::io("writing to a TAP device")(error)),
        }
    }

    /// Takes what the host has sent since the last call.
    pub(crate) fn drain(&self, mut each: impl FnMut(Vec<u8>)) -> Result<(), RigError> {
        let mut buffer = vec![0; LARGEST];
        loop {
            match (&self.file).read(&mut buffer) {
                Ok(len) => each(buffer.get(..len).unwrap_or_default().to_vec()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(RigError::io("reading from a TAP device")(error)),
            }
        }
    }
}

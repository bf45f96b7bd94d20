//! Just enough netfilter netlink: build a request, walk the answers' attributes.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    setsockopt, socket, sockopt,
};

use crate::RigError;

pub(crate) const NLM_F_REQUEST: u16 = 1;
pub(crate) const NLM_F_ACK: u16 = 4;
pub(crate) const NLM_F_DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const HEADER: usize = 16;
const NFGEN: usize = 4;

/// One request to a netfilter subsystem.
#[derive(Debug)]
pub(crate) struct Request(Vec<u8>);

impl Request {
    /// `kind` is subsystem << 8 | message; `resource` goes into the nfgenmsg as a big-endian word.
    pub(crate) fn new(kind: u16, flags: u16, family: u8, resource: u16) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        bytes.extend([family, 0]);
        bytes.extend(resource.to_be_bytes());
        Self(bytes)
    }

    /// Appends an attribute.
    pub(crate) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend(((value.len() + 4) as u16).to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn finish(mut self) -> Vec<u8> {
        let len = self.0.len() as u32;
        self.0[..4].copy_from_slice(&len.to_ne_bytes());
        self.0
    }
}

/// A netfilter netlink socket of the calling thread's namespace.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    pub(crate) fn open() -> Result<Self, RigError> {
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkNetFilter,
        )
        .map_err(RigError::system("opening a netfilter socket"))?;
        bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))
            .map_err(RigError::system("binding a netfilter socket"))?;
        // A burst of fragments or a large dump must not overflow; beyond rmem_max, as root may.
        setsockopt(&fd, sockopt::RcvBufForce, &(8 << 20))
            .map_err(RigError::system("SO_RCVBUFFORCE"))?;
        Ok(Self(fd))
    }

    pub(crate) fn send(&self, request: Request) -> Result<(), RigError> {
        send(self.0.as_raw_fd(), &request.finish(), MsgFlags::empty())
            .map(drop)
            .map_err(RigError::system("asking netfilter"))
    }

    /// Sends a request and waits for its acknowledgement.
    pub(crate) fn acknowledged(&self, request: Request) -> Result<(), RigError> {
        self.send(request)?;
        self.answers(|_, _| ())
    }

    /// Reads answers until the dump is done or the request is acknowledged: `each(kind, body behind nfgenmsg)`.
    pub(crate) fn answers(&self, mut each: impl FnMut(u16, &[u8])) -> Result<(), RigError> {
        let mut buffer = vec![0; 1 << 17];
        loop {
            let len = recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty())
                .map_err(RigError::system("netfilter's answer"))?;
            for (kind, body) in Messages(buffer.get(..len).unwrap_or_default()) {
                match kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => return errno(body),
                    kind => each(kind, body.get(NFGEN..).unwrap_or_default()),
                }
            }
        }
    }

    /// Takes what has been queued so far, without waiting.
    pub(crate) fn drain(&self, mut each: impl FnMut(u16, &[u8])) -> Result<(), RigError> {
        let mut buffer = vec![0; 1 << 17];
        loop {
            let len = match recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(len) => len,
                Err(nix::Error::EAGAIN) => return Ok(()),
                Err(errno) => return Err(RigError::system("netfilter's log")(errno)),
            };
            for (kind, body) in Messages(buffer.get(..len).unwrap_or_default()) {
                each(kind, body.get(NFGEN..).unwrap_or_default());
            }
        }
    }
}

fn errno(body: &[u8]) -> Result<(), RigError> {
    match word(body) {
        Some(0) => Ok(()),
        Some(code) => Err(RigError::system("netfilter refused")(nix::Error::from_raw(
            (code as i32).wrapping_neg(),
        ))),
        None => Ok(()),
    }
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|b| u32::from_ne_bytes(*b))
}

fn half(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|b| u16::from_ne_bytes(*b))
}

/// The messages of one datagram.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let len = word(self.0)? as usize;
        let kind = half(self.0.get(4..)?)?;
        let body = self.0.get(HEADER..len)?;
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    }
}

/// The attributes of a message or of a nested attribute: `(kind without flags, value)`.
#[derive(Debug, Clone)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The first attribute of this kind.
    pub(crate) fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.clone().find(|(k, _)| *k == kind).map(|(_, v)| v)
    }

    /// The attributes inside the first attribute of this kind.
    pub(crate) fn nested(&self, kind: u16) -> Option<Self> {
        self.get(kind).map(Attributes)
    }

    /// A big-endian word; the width follows the value.
    pub(crate) fn number(&self, kind: u16) -> Option<u64> {
        self.get(kind)
            .filter(|v| v.len() <= 8)
            .map(|v| v.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        const FLAGS: u16 = 0xc000;
        let len = usize::from(half(self.0)?);
        let kind = half(self.0.get(2..)?)?;
        let value = self.0.get(4..len)?;
        self.0 = self.0.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind & !FLAGS, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_found_again() {
        let request = Request::new(0x0401, 0, 2, 7)
            .attribute(1, &[9])
            .attribute(0x8002, &[1, 2, 3, 4])
            .finish();
        let attributes = Attributes(&request[HEADER + NFGEN..]);
        assert_eq!(attributes.number(1), Some(9));
        assert_eq!(attributes.number(2), Some(0x0102_0304));
        assert_eq!(attributes.get(3), None);
        assert_eq!(Messages(&request).count(), 1);
    }

    #[test]
    fn broken_lengths_end_the_walk() {
        assert_eq!(Attributes(&[200, 0, 1, 0, 5]).count(), 0);
        assert_eq!(Messages(&[0; 16]).count(), 0);
    }
}

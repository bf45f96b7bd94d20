//! Locally sent packets: raw sockets whose header is ours, marked by a priority that nothing else uses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, OwnedFd};

use netverdict_net::InterfaceName;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, bind,
    sendto, setsockopt, socket, sockopt,
};

use super::{Namespace, nflog};
use crate::RigError;
use netverdict_net::Family;

/// `skb->priority` of packets we send: how the silencing chain knows them from the kernel's own. No table reads it.
pub(crate) const PRIORITY: i32 = 0x6e76_0001;

/// What the kernel said to a locally sent packet before any hook saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was handed to the OUTPUT hook, whatever came of it.
    Yes,
    /// It was refused before (no route, too big for the device, malformed).
    Refused(nix::Error),
}

/// Sends one packet of ours; leaves by `device` if given, else by the routing table.
pub(crate) fn send(
    _inside: &Namespace,
    packet: &[u8],
    device: Option<&InterfaceName>,
    index: u32,
) -> Result<Sent, RigError> {
    let Some(destination) = address(packet, 16, 24) else {
        return Ok(Sent::Refused(nix::Error::EINVAL));
    };
    let fd = open(destination)?;
    // Routing asks for the socket's source, not the header's. A source that is not ours is nobody's.
    if let Some(source) = address(packet, 12, 8) {
        let _unbound = match source {
            IpAddr::V4(a) => bind(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(a, 0))),
            IpAddr::V6(a) => bind(
                fd.as_raw_fd(),
                &SockaddrIn6::from(SocketAddrV6::new(a, 0, 0, index)),
            ),
        };
    }
    if let Some(device) = device {
        setsockopt(&fd, sockopt::BindToDevice, &device.as_str().into())
            .map_err(RigError::system("SO_BINDTODEVICE"))?;
    }
    let result = match destination {
        IpAddr::V4(address) => sendto(
            fd.as_raw_fd(),
            packet,
            &SockaddrIn::from(SocketAddrV4::new(address, 0)),
            MsgFlags::empty(),
        ),
        IpAddr::V6(address) => sendto(
            fd.as_raw_fd(),
            packet,
            &SockaddrIn6::from(SocketAddrV6::new(address, 0, 0, index)),
            MsgFlags::empty(),
        ),
    };
    Ok(match result {
        // EPERM: a hook dropped it. ENOBUFS: the device did.
        Ok(_) | Err(nix::Error::EPERM | nix::Error::ENOBUFS) => Sent::Yes,
        Err(errno) => Sent::Refused(errno),
    })
}

fn open(destination: IpAddr) -> Result<OwnedFd, RigError> {
    let family = match destination {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    let fd = socket(
        family,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::Raw,
    )
    .map_err(RigError::system("opening a raw socket"))?;
    setsockopt(&fd, sockopt::Priority, &PRIORITY).map_err(RigError::system("SO_PRIORITY"))?;
    setsockopt(&fd, sockopt::Broadcast, &true).map_err(RigError::system("SO_BROADCAST"))?;
    setsockopt(&fd, sockopt::SndBuf, &(1 << 20)).map_err(RigError::system("SO_SNDBUF"))?;
    Ok(fd)
}

/// The address at these offsets of an IPv4 or IPv6 header.
fn address(packet: &[u8], v4: usize, v6: usize) -> Option<IpAddr> {
    match nflog::family(packet)? {
        Family::V4 => packet
            .get(v4..)?
            .first_chunk::<4>()
            .map(|b| Ipv4Addr::from(*b).into()),
        Family::V6 => packet
            .get(v6..)?
            .first_chunk::<16>()
            .map(|b| Ipv6Addr::from(*b).into()),
    }
}

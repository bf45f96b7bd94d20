//! Addresses with arbitrary masks, and inclusive address ranges.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::Family;

/// An address and a mask of any shape. iptables takes non-contiguous masks and stores the address already masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddrMask {
    /// Address and mask in host order.
    V4 { addr: u32, mask: u32 },
    /// Address and mask in host order.
    V6 { addr: u128, mask: u128 },
}

/// Why a text is no `address[/mask]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddrParseError {
    /// The part before the slash is no address.
    #[error("`{0}` is not an IP address")]
    Address(String),
    /// The part after the slash is neither a length nor a mask.
    #[error("`{0}` is not a prefix length or mask")]
    Mask(String),
}

impl AddrMask {
    /// `0.0.0.0/0` or `::/0`.
    pub const fn any(family: Family) -> Self {
        match family {
            Family::V4 => Self::V4 { addr: 0, mask: 0 },
            Family::V6 => Self::V6 { addr: 0, mask: 0 },
        }
    }

    /// One address with the full mask.
    pub fn host(addr: IpAddr) -> Self {
        Self::prefix(addr, Family::of(addr).bits())
    }

    /// An address under a prefix of `len` bits (clamped to the family's width); host bits are cleared.
    pub fn prefix(addr: IpAddr, len: u8) -> Self {
        match addr {
            IpAddr::V4(a) => Self::v4(a.to_bits(), prefix_mask_v4(len)),
            IpAddr::V6(a) => Self::v6(a.to_bits(), prefix_mask_v6(len)),
        }
    }

    /// An IPv4 address and mask in host order; bits outside the mask are cleared.
    pub const fn v4(addr: u32, mask: u32) -> Self {
        Self::V4 {
            addr: addr & mask,
            mask,
        }
    }

    /// An IPv6 address and mask in host order; bits outside the mask are cleared.
    pub const fn v6(addr: u128, mask: u128) -> Self {
        Self::V6 {
            addr: addr & mask,
            mask,
        }
    }

    /// An address and a mask of the same family, the address as it was written: connection tests print it so. An
    /// address of the other family counts as a host.
    pub fn unmasked(addr: IpAddr, mask: IpAddr) -> Self {
        match (addr, mask) {
            (IpAddr::V4(addr), IpAddr::V4(mask)) => Self::V4 {
                addr: addr.to_bits(),
                mask: mask.to_bits(),
            },
            (IpAddr::V6(addr), IpAddr::V6(mask)) => Self::V6 {
                addr: addr.to_bits(),
                mask: mask.to_bits(),
            },
            (addr, _) => Self::host(addr),
        }
    }

    /// The family of the address.
    pub const fn family(self) -> Family {
        match self {
            Self::V4 { .. } => Family::V4,
            Self::V6 { .. } => Family::V6,
        }
    }

    /// The address, masked unless it was made [`Self::unmasked`].
    pub fn addr(self) -> IpAddr {
        match self {
            Self::V4 { addr, .. } => Ipv4Addr::from_bits(addr).into(),
            Self::V6 { addr, .. } => Ipv6Addr::from_bits(addr).into(),
        }
    }

    /// Whether `addr` has this family and equals the address under the mask.
    pub fn contains(self, addr: IpAddr) -> bool {
        match (self, addr) {
            (Self::V4 { addr: net, mask }, IpAddr::V4(a)) => (a.to_bits() ^ net) & mask == 0,
            (Self::V6 { addr: net, mask }, IpAddr::V6(a)) => (a.to_bits() ^ net) & mask == 0,
            _ => false,
        }
    }

    /// Whether every address of the family is contained.
    pub const fn is_any(self) -> bool {
        matches!(self, Self::V4 { mask: 0, .. } | Self::V6 { mask: 0, .. })
    }

    /// The prefix length, or `None` for a mask with a hole.
    pub const fn prefix_len(self) -> Option<u8> {
        match self {
            Self::V4 { mask, .. } if mask.leading_ones() + mask.trailing_zeros() >= 32 => {
                Some(mask.leading_ones() as u8)
            }
            Self::V6 { mask, .. } if mask.leading_ones() + mask.trailing_zeros() >= 128 => {
                Some(mask.leading_ones() as u8)
            }
            _ => None,
        }
    }

    /// Parses `address[/length-or-mask]` of the given family, as iptables does.
    pub fn parse(family: Family, text: &str) -> Result<Self, AddrParseError> {
        let (addr, mask) = match text.split_once('/') {
            Some((a, m)) => (a, Some(m)),
            None => (text, None),
        };
        let bad_addr = || AddrParseError::Address(addr.to_owned());
        match family {
            Family::V4 => {
                let a = Ipv4Addr::from_str(addr).map_err(|_| bad_addr())?;
                Ok(Self::v4(
                    a.to_bits(),
                    mask.map_or(Ok(u32::MAX), parse_mask_v4)?,
                ))
            }
            Family::V6 => {
                let a = Ipv6Addr::from_str(addr).map_err(|_| bad_addr())?;
                Ok(Self::v6(
                    a.to_bits(),
                    mask.map_or(Ok(u128::MAX), parse_mask_v6)?,
                ))
            }
        }
    }
}

const fn prefix_mask_v4(len: u8) -> u32 {
    if len == 0 {
        0
    } else {
        u32::MAX << (32 - if len > 32 { 32 } else { len })
    }
}

const fn prefix_mask_v6(len: u8) -> u128 {
    if len == 0 {
        0
    } else {
        u128::MAX << (128 - if len > 128 { 128 } else { len })
    }
}

fn parse_mask_v4(text: &str) -> Result<u32, AddrParseError> {
    if let Ok(len @ 0..=32) = text.parse::<u8>() {
        return Ok(prefix_mask_v4(len));
    }
    Ipv4Addr::from_str(text)
        .map(Ipv4Addr::to_bits)
        .map_err(|_| AddrParseError::Mask(text.to_owned()))
}

fn parse_mask_v6(text: &str) -> Result<u128, AddrParseError> {
    if let Ok(len @ 0..=128) = text.parse::<u8>() {
        return Ok(prefix_mask_v6(len));
    }
    Ipv6Addr::from_str(text)
        .map(Ipv6Addr::to_bits)
        .map_err(|_| AddrParseError::Mask(text.to_owned()))
}

/// The canonical form of iptables-save: always with a length, a mask with a hole written out.
impl fmt::Display for AddrMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.addr())?;
        match (self.prefix_len(), self) {
            (Some(len), _) => write!(f, "{len}"),
            (None, Self::V4 { mask, .. }) => write!(f, "{}", Ipv4Addr::from_bits(*mask)),
            (None, Self::V6 { mask, .. }) => write!(f, "{}", Ipv6Addr::from_bits(*mask)),
        }
    }
}

/// An inclusive range of addresses of one family, compared in host order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddrRange {
    /// First address.
    pub start: IpAddr,
    /// Last address.
    pub end: IpAddr,
}

impl AddrRange {
    /// Whether `addr` lies between both ends.
    pub fn contains(self, addr: IpAddr) -> bool {
        self.start <= addr && addr <= self.end && Family::of(self.start) == Family::of(addr)
    }
}

impl fmt::Display for AddrRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{}-{}", self.start, self.end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_applied_and_printed_as_iptables_save_does() {
        let shown = |t: &str| AddrMask::parse(Family::V4, t).map(|a| a.to_string());
        assert_eq!(shown("10.1.2.3"), Ok("10.1.2.3/32".into()));
        assert_eq!(shown("10.1.2.3/8"), Ok("10.0.0.0/8".into()));
        assert_eq!(
            shown("10.1.2.3/255.0.255.0"),
            Ok("10.0.2.0/255.0.255.0".into())
        );
        assert_eq!(shown("10.1.2.3/33"), Err(AddrParseError::Mask("33".into())));
        assert_eq!(
            AddrMask::parse(Family::V6, "fe80::1").unwrap().to_string(),
            "fe80::1/128"
        );
    }

    #[test]
    fn any_contains_its_own_family_only() {
        assert!(AddrMask::any(Family::V4).contains("1.2.3.4".parse().unwrap()));
        assert!(!AddrMask::any(Family::V4).contains("::1".parse().unwrap()));
    }
}

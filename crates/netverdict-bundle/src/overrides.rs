//! What the user says about the host, against or beyond its files.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use netverdict_net::{Family, InterfaceName};
use netverdict_ruleset::Backend;

/// The flags that override files and inferences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overrides {
    /// `--local`, as often as given. Given for a family, these are all of the host's addresses of that family that its
    /// files do not name. A multicast address is a joined group.
    pub local: Vec<LocalAddress>,
    /// `--iface`: the interface of captures that name none.
    pub interface: Option<InterfaceName>,
    /// `--direction`.
    pub direction: DirectionMode,
    /// `--set key=value`, in order.
    pub set: Vec<String>,
    /// `--checksums`.
    pub checksums: Checksums,
    /// `--hz`; `None` is 250.
    pub hz: Option<u32>,
    /// `--seed`.
    pub seed: u64,
    /// `--backend`; `None` follows the dump.
    pub backend: Option<Backend>,
    /// `--lenient`: lines that cannot be read are left out.
    pub lenient: bool,
}

impl Default for Overrides {
    fn default() -> Self {
        Self {
            local: Vec::new(),
            interface: None,
            direction: DirectionMode::Auto,
            set: Vec::new(),
            checksums: Checksums::Auto,
            hz: None,
            seed: 0,
            backend: None,
            lenient: false,
        }
    }
}

/// `--direction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DirectionMode {
    /// Each frame's direction is worked out.
    #[default]
    Auto,
    /// Every frame came in.
    In,
    /// Every frame went out.
    Out,
}

/// `--checksums`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Checksums {
    /// Trusted in packets that the host itself sent, verified in all others.
    #[default]
    Auto,
    /// Verified in every packet.
    Verify,
    /// Taken as right in every packet.
    Trust,
}

/// `--local ADDR[/LEN][@IFACE]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalAddress {
    /// The address, or a multicast group.
    pub address: IpAddr,
    /// Length of its on-link prefix; `None` is the full length.
    pub prefix_len: Option<u8>,
    /// The interface that has it.
    pub interface: Option<InterfaceName>,
}

/// Why a text is no `ADDR[/LEN][@IFACE]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocalAddressError {
    /// The address.
    #[error("`{0}` is not an IP address; expected ADDR[/LEN][@IFACE]")]
    Address(String),
    /// The length.
    #[error("`{0}` is not a prefix length of at most {1}; expected ADDR[/LEN][@IFACE]")]
    Length(String, u8),
    /// The interface.
    #[error("`{0}` is no interface name; expected ADDR[/LEN][@IFACE]")]
    Interface(String),
}

impl FromStr for LocalAddress {
    type Err = LocalAddressError;

    fn from_str(text: &str) -> Result<Self, LocalAddressError> {
        let (place, interface) = match text.split_once('@') {
            Some((place, name)) => (place, Some(name)),
            None => (text, None),
        };
        let (address, len) = match place.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (place, None),
        };
        let address: IpAddr = address
            .parse()
            .map_err(|_| LocalAddressError::Address(address.to_owned()))?;
        let most = Family::of(address).bits();
        let parse_len = |text: &str| {
            let len = text.parse().ok().filter(|n: &u8| *n <= most);
            len.ok_or_else(|| LocalAddressError::Length(text.to_owned(), most))
        };
        let name = |text: &str| {
            let bad = || LocalAddressError::Interface(text.to_owned());
            let name = Some(text).filter(|t| !t.is_empty()).ok_or_else(bad)?;
            InterfaceName::new(name).map_err(|_| bad())
        };
        Ok(Self {
            address,
            prefix_len: len.map(parse_len).transpose()?,
            interface: interface.map(name).transpose()?,
        })
    }
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(len) = self.prefix_len {
            write!(f, "/{len}")?;
        }
        match self.interface {
            Some(interface) => write!(f, "@{interface}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_read_and_printed_back() {
        for text in [
            "10.0.0.1",
            "10.0.0.1/24",
            "10.0.0.1@eth0",
            "2001:db8::1/64@wan.7",
        ] {
            assert_eq!(
                text.parse::<LocalAddress>().map(|l| l.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn each_part_that_is_wrong_is_named() {
        let error = |t: &str| t.parse::<LocalAddress>().unwrap_err().to_string();
        assert!(error("10.0.0").starts_with("`10.0.0` is not an IP address"));
        assert!(error("10.0.0.1/33").starts_with("`33` is not a prefix length of at most 32"));
        assert!(error("10.0.0.1@").starts_with("`` is no interface name"));
    }
}

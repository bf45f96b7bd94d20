//! Kernel settings: what `sysctl -a` printed and what `--set` changed, with the kernel's defaults for the rest.

use std::collections::BTreeMap;
use std::fmt;

use netverdict_net::{Family, InterfaceName};

pub mod keys;

pub use keys::Key;

/// Settings by path. Keys that the model does not know are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sysctls {
    values: BTreeMap<Path, Box<str>>,
}

/// A setting's path with its components apart, so that a VLAN's dot is no separator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Box<str>);

/// Why a line or a `--set` argument is no setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SysctlError {
    /// No `=`.
    #[error("`{0}` has no `=`: expected `key = value`")]
    NoValue(String),
    /// Nothing before the `=`, or blanks in it.
    #[error("`{0}` is no sysctl key: expected a name such as net.ipv4.ip_forward")]
    Key(String),
    /// A key that the model reads, with a value that is no number.
    #[error("{key} = `{value}`: expected a whole number")]
    Number { key: String, value: String },
}

/// A line of a sysctl file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct SysctlLineError {
    /// Counted from 1.
    pub line: u32,
    /// What is wrong.
    pub error: SysctlError,
}

impl Path {
    /// Takes `net.ipv4.conf.eth0/100.rp_filter` or `net/ipv4/conf/eth0.100/rp_filter`: whichever of the two separators
    /// comes first separates, and the other stands for the first inside a component (procps).
    pub fn parse(text: &str) -> Result<Self, SysctlError> {
        let text = text.trim().trim_start_matches('-');
        let good = !text.is_empty() && !text.contains(char::is_whitespace);
        let bad = || SysctlError::Key(text.to_owned());
        let path = text.strip_prefix("/proc/sys/").unwrap_or(text);
        let dotted = path
            .find(['.', '/'])
            .is_some_and(|i| path[i..].starts_with('.'));
        let normal = if dotted {
            path.chars()
                .map(|c| match c {
                    '.' => '/',
                    '/' => '.',
                    other => other,
                })
                .collect()
        } else {
            path.to_owned()
        };
        if good && normal.contains('/') {
            Ok(Self(normal.into()))
        } else {
            Err(bad())
        }
    }

    /// The components, slash-separated.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The dotted form, as `sysctl` prints it.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let swapped: String = self
            .0
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect();
        f.write_str(&swapped)
    }
}

impl Sysctls {
    /// Reads `sysctl -a` output or a `sysctl.conf`: `key = value` lines, `#` and `;` comments, blank lines. A line that
    /// cannot be read is reported and left out.
    pub fn parse(text: &str) -> (Self, Vec<SysctlLineError>) {
        let mut sysctls = Self::default();
        let mut errors = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            // What `sysctl -a` itself says about keys it could not read is no setting.
            if line.is_empty() || line.starts_with(['#', ';']) || line.starts_with("sysctl:") {
                continue;
            }
            if let Err(error) = split(line).map(|(path, value)| sysctls.write(path, value)) {
                errors.push(SysctlLineError {
                    line: number,
                    error,
                });
            }
        }
        (sysctls, errors)
    }

    /// Does what `sysctl -w key=value` does, the effects on other keys included.
    pub fn set(&mut self, assignment: &str) -> Result<Path, SysctlError> {
        let (path, value) = split(assignment)?;
        if value.parse::<i64>().is_err() && keys::is_number(path.as_str()) {
            return Err(SysctlError::Number {
                key: path.to_string(),
                value: value.to_owned(),
            });
        }
        self.write(path.clone(), value);
        self.spread(path.as_str(), value);
        Ok(path)
    }

    fn write(&mut self, path: Path, value: &str) {
        self.values.insert(path, value.into());
    }

    /// Forwarding of all devices is one switch with many handles (`inet_forward_change`, `addrconf_fixup_forwarding`).
    fn spread(&mut self, path: &str, value: &str) {
        let family = match path {
            "net/ipv4/ip_forward" | "net/ipv4/conf/all/forwarding" => "ipv4",
            "net/ipv6/conf/all/forwarding" => "ipv6",
            _ => return,
        };
        let conf = format!("net/{family}/conf/");
        self.values
            .retain(|key, _| !(key.0.starts_with(&conf) && key.0.ends_with("/forwarding")));
        let mut all = vec![
            format!("{conf}all/forwarding"),
            format!("{conf}default/forwarding"),
        ];
        if family == "ipv4" {
            all.push("net/ipv4/ip_forward".to_owned());
        }
        for key in all {
            self.write(Path(key.into()), value);
        }
    }

    /// The text of a setting, if it was given.
    pub fn text(&self, path: &str) -> Option<&str> {
        let path = Path::parse(path).ok()?;
        self.values.get(&path).map(AsRef::as_ref)
    }

    /// Whether the setting was given.
    pub fn is_given(&self, path: &str) -> bool {
        self.text(path).is_some()
    }

    /// Whether any setting was given.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Every given setting in order of its path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.values.iter().map(|(k, v)| (k, v.as_ref()))
    }

    /// The value of a setting: as given, else the kernel's default.
    pub fn get(&self, key: Key) -> i64 {
        self.number(key.path).unwrap_or(key.default)
    }

    /// Whether a switch is on.
    pub fn is_on(&self, key: Key) -> bool {
        self.get(key) != 0
    }

    fn number(&self, path: &str) -> Option<i64> {
        let value = self.values.get(&Path(path.into()))?;
        value.split_whitespace().next()?.parse().ok()
    }

    /// `net.ipvX.conf.DEVICE.name`: as given for the device, else for `default` (which the kernel copies to every device
    /// that never had its own), else 0.
    pub fn conf(&self, family: Family, device: &InterfaceName, name: &str) -> i64 {
        self.conf_number(family, device.as_str(), name)
            .or_else(|| self.conf_number(family, "default", name))
            .unwrap_or(0)
    }

    /// `net.ipvX.conf.all.name`.
    pub fn conf_all(&self, family: Family, name: &str) -> Option<i64> {
        self.conf_number(family, "all", name)
    }

    fn conf_number(&self, family: Family, device: &str, name: &str) -> Option<i64> {
        self.number(&format!("net/{family}/conf/{device}/{name}"))
    }

    /// The greater of `all` and the device's (`IN_DEV_MAXCONF`), and so for a switch: either (`IN_DEV_ORCONF`).
    pub fn conf_max(&self, family: Family, device: &InterfaceName, name: &str) -> i64 {
        self.conf_all(family, name)
            .unwrap_or(0)
            .max(self.conf(family, device, name))
    }

    /// The settings that decide routing for one device, read once.
    pub fn device(&self, device: &InterfaceName) -> DeviceSettings {
        let max = |name| self.conf_max(Family::V4, device, name);
        let on = |name| max(name) != 0;
        let redirects = |name: &str| {
            self.conf_number(Family::V4, name, "send_redirects")
                .map(|v| v != 0)
        };
        DeviceSettings {
            forwarding_v4: self
                .conf_number(Family::V4, device.as_str(), "forwarding")
                .or_else(|| self.conf_number(Family::V4, "default", "forwarding"))
                .map_or_else(|| self.is_on(keys::IP_FORWARD), |v| v != 0),
            forwarding_v6: self.is_on(keys::IPV6_FORWARDING)
                || self.conf(Family::V6, device, "force_forwarding") != 0,
            rp_filter: max("rp_filter").clamp(0, 2) as u8,
            accept_local: on("accept_local"),
            route_localnet: on("route_localnet"),
            src_valid_mark: on("src_valid_mark"),
            broadcast_forwarding: self.conf_all(Family::V4, "bc_forwarding").unwrap_or(0) != 0
                && self.conf(Family::V4, device, "bc_forwarding") != 0,
            // Both default to 1, so it is off only where both were turned off.
            send_redirects: redirects("all").unwrap_or(true)
                || redirects(device.as_str())
                    .or_else(|| redirects("default"))
                    .unwrap_or(true),
            ignore_link_down: on("ignore_routes_with_linkdown"),
            disable_ipv6: self.conf(Family::V6, device, "disable_ipv6") != 0,
            ignore_link_down_v6: self.conf(Family::V6, device, "ignore_routes_with_linkdown") != 0
                || self
                    .conf_all(Family::V6, "ignore_routes_with_linkdown")
                    .unwrap_or(0)
                    != 0,
            use_temporary: self.conf(Family::V6, device, "use_tempaddr"),
        }
    }
}

/// The settings of one device that routing reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSettings {
    /// IPv4 packets that come in here may be forwarded.
    pub forwarding_v4: bool,
    /// IPv6 packets that come in here may be forwarded.
    pub forwarding_v6: bool,
    /// 0 off, 1 strict, 2 loose.
    pub rp_filter: u8,
    /// Packets with an own address as source may come in.
    pub accept_local: bool,
    /// 127/8 is no martian here.
    pub route_localnet: bool,
    /// Reverse lookups see the packet's mark.
    pub src_valid_mark: bool,
    /// Directed broadcasts are forwarded.
    pub broadcast_forwarding: bool,
    /// ICMP redirects are sent.
    pub send_redirects: bool,
    /// IPv4 routes over a device without carrier are skipped.
    pub ignore_link_down: bool,
    /// No IPv6 here.
    pub disable_ipv6: bool,
    /// IPv6 routes over a device without carrier are skipped.
    pub ignore_link_down_v6: bool,
    /// Above 1 prefers temporary IPv6 addresses.
    pub use_temporary: i64,
}

fn split(line: &str) -> Result<(Path, &str), SysctlError> {
    let (key, value) = line
        .split_once('=')
        .ok_or_else(|| SysctlError::NoValue(line.to_owned()))?;
    Ok((Path::parse(key)?, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dev(name: &str) -> InterfaceName {
        InterfaceName::new(name).unwrap()
    }

    #[test]
    fn vlan_names_keep_their_dot_in_both_spellings() {
        let (s, errors) = Sysctls::parse(
            "net.ipv4.conf.eth0/100.rp_filter = 1\nnet/ipv4/conf/eth0.200/rp_filter=2\n",
        );
        assert_eq!(errors, []);
        assert_eq!(s.device(&dev("eth0.100")).rp_filter, 1);
        assert_eq!(s.device(&dev("eth0.200")).rp_filter, 2);
        assert_eq!(s.device(&dev("eth0")).rp_filter, 0);
        let keys: Vec<_> = s.iter().map(|(k, _)| k.to_string()).collect();
        assert_eq!(keys[0], "net.ipv4.conf.eth0/100.rp_filter");
    }

    #[test]
    fn a_line_that_is_no_setting_is_named() {
        let (s, errors) =
            Sysctls::parse("# c\n\nnet.ipv4.ip_forward = 1\nnonsense\n= 4\nfoo.bar=x y\n");
        assert!(s.is_on(keys::IP_FORWARD));
        assert_eq!(s.text("foo.bar"), Some("x y"));
        let lines: Vec<_> = errors.iter().map(|e| e.line).collect();
        assert_eq!(lines, [4, 5]);
        assert_eq!(
            errors[0].to_string(),
            "line 4: `nonsense` has no `=`: expected `key = value`"
        );
    }

    /// `ip_forward` is a handle on the forwarding switch of every device.
    #[test]
    fn setting_ip_forward_sets_every_device() {
        let (mut s, _) = Sysctls::parse("net.ipv4.conf.eth0.forwarding=0\nnet.ipv4.ip_forward=0");
        assert!(!s.device(&dev("eth0")).forwarding_v4);
        s.set("net.ipv4.ip_forward=1").unwrap();
        assert!(s.device(&dev("eth0")).forwarding_v4);
        s.set("net/ipv4/conf/eth0/forwarding=0").unwrap();
        assert!(!s.device(&dev("eth0")).forwarding_v4);
        assert!(s.device(&dev("eth1")).forwarding_v4);
    }

    #[test]
    fn a_number_is_asked_for_where_one_is_read() {
        let error = Sysctls::default()
            .set("net.ipv4.ip_forward=yes")
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "net.ipv4.ip_forward = `yes`: expected a whole number"
        );
    }

    #[test]
    fn rp_filter_is_the_greater_of_all_and_the_device() {
        let (s, _) = Sysctls::parse(
            "net.ipv4.conf.all.rp_filter=2\nnet.ipv4.conf.eth0.rp_filter=1\nnet.ipv4.conf.default.rp_filter=0",
        );
        assert_eq!(s.device(&dev("eth0")).rp_filter, 2);
    }

    #[test]
    fn defaults_are_the_kernels() {
        let s = Sysctls::default();
        assert_eq!(s.get(keys::TCP_TIMEOUT_ESTABLISHED), 432_000);
        assert!(s.is_on(keys::TCP_LOOSE) && !s.is_on(keys::TCP_BE_LIBERAL));
        assert!(s.device(&dev("eth0")).send_redirects);
        assert!(!s.device(&dev("eth0")).forwarding_v6);
    }
}

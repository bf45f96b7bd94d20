//! A host's interfaces, addresses, routes, policy rules and settings, and the routing decisions that follow from them.
//!
//! Pure: text and facts in, decisions out; no I/O. [`HostFacts`] is what is known, [`Host`] the same compiled for lookups.

mod decide;
mod fib;
mod host;
mod interface;
pub mod json;
mod route;
mod synthesis;
mod sysctl;

pub use decide::{
    AddressType, AddressTypes6, DropReason, InputRoute, LocalKind, OutputRoute, ReversePath,
    RouteKind, SourceChoice, Way,
};
pub use fib::{Flow, NoRoute, Undecided};
pub use host::{Group, Host, HostFacts};
pub use interface::{Address, Interface, InterfaceKind, Role, Scope};
pub use route::{Hop, PolicyRule, Route, RouteType, RuleAction, TableId};
pub use synthesis::kernel_routes;
pub use sysctl::{
    DeviceSettings, Key, Path as SysctlPath, SysctlError, SysctlLineError, Sysctls, keys,
};

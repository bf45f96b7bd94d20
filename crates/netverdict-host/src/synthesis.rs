//! The routes that the kernel adds by itself for an interface's addresses (`fib_add_ifaddr`, `addrconf_prefix_route`):
//! what a host has where nobody gave its routes.

use std::net::IpAddr;

use netverdict_net::{AddrMask, Family, InterfaceName};

use crate::{Address, Interface, Route, RouteType, Scope, TableId};

/// The kernel's own routes of `family` for these interfaces. `forwarding` adds IPv6's subnet-router anycast addresses.
pub fn kernel_routes(family: Family, interfaces: &[Interface], forwarding: bool) -> Vec<Route> {
    let mut routes = Vec::new();
    for interface in interfaces {
        match family {
            Family::V4 => v4(interface, &mut routes),
            Family::V6 => v6(interface, forwarding, &mut routes),
        }
    }
    routes
}

fn own(table: TableId, kind: RouteType, to: AddrMask, device: InterfaceName) -> Route {
    Route {
        table,
        kind,
        by_kernel: true,
        ..Route::new(to).via(device, None)
    }
}

fn v4(interface: &Interface, routes: &mut Vec<Route>) {
    for address in interface.addresses_of(Family::V4) {
        let prefix = address.prefix();
        let primary = primary(interface, address);
        let mut add = |table, kind, to, scope| {
            routes.push(Route {
                scope,
                preferred_source: Some(primary),
                ..own(table, kind, to, interface.name)
            });
        };
        let mut local = |to| add(TableId::LOCAL, RouteType::Local, to, Scope::HOST);
        local(AddrMask::host(address.local));
        if !interface.up {
            continue;
        }
        let connected = !address.secondary
            && !prefix.contains(IpAddr::from([0, 0, 0, 0]))
            && (address.prefix_len < 32 || address.peer.is_some());
        if connected && interface.is_loopback() && !address.no_prefix_route {
            local(prefix);
        }
        let mut broadcast = |to: IpAddr| {
            let to = AddrMask::host(to);
            add(TableId::LOCAL, RouteType::Broadcast, to, Scope::LINK);
        };
        if let Some(explicit) = address.broadcast.filter(|b| !b.is_broadcast()) {
            broadcast(explicit.into());
        }
        if connected && address.prefix_len < 31 {
            let last = last_address(prefix);
            if address.broadcast.map(IpAddr::V4) != Some(last) {
                broadcast(last);
            }
        }
        if connected && !interface.is_loopback() && !address.no_prefix_route {
            add(TableId::MAIN, RouteType::Unicast, prefix, Scope::LINK);
        }
    }
}

/// The address whose name the routes of `address` carry: for a secondary one, its subnet's primary.
fn primary(interface: &Interface, address: &Address) -> IpAddr {
    let sibling = |a: &&Address| {
        !a.secondary && a.prefix_len == address.prefix_len && a.prefix() == address.prefix()
    };
    interface
        .addresses_of(Family::V4)
        .find(sibling)
        .filter(|_| address.secondary)
        .map_or(address.local, |a| a.local)
}

fn last_address(prefix: AddrMask) -> IpAddr {
    match prefix {
        AddrMask::V4 { addr, mask } => IpAddr::from((addr | !mask).to_be_bytes()),
        AddrMask::V6 { addr, mask } => IpAddr::from((addr | !mask).to_be_bytes()),
    }
}

fn v6(interface: &Interface, forwarding: bool, routes: &mut Vec<Route>) {
    let mut add = |table, kind, to, metric| {
        routes.push(Route {
            metric,
            ..own(table, kind, to, interface.name)
        });
    };
    let mut any = false;
    for address in interface.addresses_of(Family::V6).filter(|a| !a.tentative) {
        any = true;
        let local = AddrMask::host(address.local);
        add(TableId::LOCAL, RouteType::Local, local, 0);
        if !interface.up || interface.is_loopback() {
            continue;
        }
        let prefix = address.prefix();
        if forwarding && address.prefix_len < 127 {
            let anycast = AddrMask::host(prefix.addr());
            add(TableId::LOCAL, RouteType::Anycast, anycast, 0);
        }
        if !address.no_prefix_route && (address.prefix_len < 128 || address.peer.is_some()) {
            add(TableId::MAIN, RouteType::Unicast, prefix, 256);
        }
    }
    if any && interface.up && !interface.is_loopback() {
        let all = AddrMask::prefix(IpAddr::from([0xff00, 0, 0, 0, 0, 0, 0, 0]), 8);
        add(TableId::LOCAL, RouteType::Multicast, all, 256);
    }
}

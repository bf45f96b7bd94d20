//! Warnings about names on the command line that fit nothing the host has.

use netverdict_bundle::Bundle;
use netverdict_host::{SysctlPath, keys};
use netverdict_syntax::closest;

use crate::args::inputs::Overrides;

/// What is odd about the overrides.
pub(crate) fn of_overrides(bundle: &Bundle, overrides: &Overrides) -> Vec<String> {
    let settings = overrides.set.iter().filter_map(|text| of_setting(text));
    let interface = overrides.iface.as_deref();
    let interface = interface.and_then(|name| of_interface(bundle, "--iface", name));
    let local = overrides.local.iter().filter_map(|text| {
        let (_, name) = text.split_once('@')?;
        of_interface(bundle, "--local", name)
    });
    settings.chain(interface).chain(local).collect()
}

/// An interface that the host's listing does not have.
pub(crate) fn of_interface(bundle: &Bundle, flag: &str, name: &str) -> Option<String> {
    let interfaces = bundle.interfaces.as_ref()?;
    let names: Vec<String> = interfaces.iter().map(|i| i.name.to_string()).collect();
    if names.iter().any(|known| known == name) {
        return None;
    }
    let hint = did_you_mean(closest(name, names.iter().map(String::as_str)));
    Some(format!("{flag}: the host has no interface {name}{hint}"))
}

/// A setting that the model does not read.
fn of_setting(text: &str) -> Option<String> {
    let (key, _) = text.split_once('=')?;
    let path = SysctlPath::parse(key).ok()?;
    let is_of_device = path.as_str().contains("/conf/");
    if is_of_device || keys::ALL.iter().any(|known| known.path == path.as_str()) {
        return None;
    }
    let known: Vec<String> = keys::ALL.iter().map(|k| k.path.replace('/', ".")).collect();
    let hint = did_you_mean(closest(key.trim(), known.iter().map(String::as_str)));
    Some(format!(
        "--set {}: the model reads no such setting{hint}",
        key.trim()
    ))
}

fn did_you_mean(closest: Option<&str>) -> String {
    closest.map_or_else(String::new, |known| format!(": did you mean {known}?"))
}

//! Rule coverage as an lcov tracefile: a dump is a source file, a rule a line, a chain a function.
//!
//! `genhtml --synthesize-missing`, editors and code review tools show it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use netverdict_audit::{Coverage, CoveredChain, CoveredRule};

/// What one file holds.
#[derive(Default)]
struct File<'c> {
    chains: Vec<&'c CoveredChain>,
    /// Packets by line: rules, and policies at their chains' lines.
    lines: BTreeMap<u32, u64>,
}

/// Writes the tracefile.
///
/// # Errors
/// The writer's.
pub fn write(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    let mut files: BTreeMap<&str, File<'_>> = BTreeMap::new();
    let counted = coverage.rules.iter().chain(&coverage.policies);
    for CoveredRule {
        place, counters, ..
    } in counted
    {
        if let Some(line) = place.line {
            let file = files.entry(&place.file).or_default();
            *file.lines.entry(line).or_default() += counters.packets;
        }
    }
    for chain in &coverage.chains {
        if chain.place.line.is_some() {
            files
                .entry(&chain.place.file)
                .or_default()
                .chains
                .push(chain);
        }
    }
    for (name, file) in files {
        writeln!(out, "TN:netverdict\nSF:{name}")?;
        for chain in &file.chains {
            writeln!(out, "FN:{},{}", chain.place.line.unwrap_or(1), chain.name)?;
        }
        for chain in &file.chains {
            writeln!(out, "FNDA:{},{}", chain.packets, chain.name)?;
        }
        let entered = file.chains.iter().filter(|c| c.packets > 0).count();
        writeln!(out, "FNF:{}\nFNH:{entered}", file.chains.len())?;
        for (line, packets) in &file.lines {
            writeln!(out, "DA:{line},{packets}")?;
        }
        let hit = file.lines.values().filter(|p| **p > 0).count();
        writeln!(out, "LF:{}\nLH:{hit}\nend_of_record", file.lines.len())?;
    }
    Ok(())
}

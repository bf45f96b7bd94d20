//! What is measured: each line of the table and what it is to reach.

use std::path::Path;

use netverdict_forge::load::rules::Kind as Rules;
use netverdict_forge::load::traffic::Kind as Traffic;

use crate::error::Error;
use crate::inputs::Inputs;
use crate::kernel;
use crate::program::{Program, Taken, fastest};
use crate::table::{Goal, Line, Side, Table};
use crate::{Run, say};

/// Measures all lines.
pub(crate) fn measure(run: &Run, inputs: &Inputs) -> Result<Table, Error> {
    let mut bench = Bench {
        run,
        inputs,
        lines: Vec::new(),
    };
    let mut left_out = Vec::new();
    match kernel::missing() {
        Some(why) => left_out.push(why),
        None => bench.beside_kernel()?,
    }
    if Program::new(["tcpdump"]).is_there() {
        bench.beside_tcpdump()?;
    } else {
        left_out.push("tcpdump was not measured: it is not installed".to_owned());
    }
    bench.flat_in_rules()?;
    bench.two_threads()?;
    bench.memory()?;
    bench.loading()?;
    bench.compressed()?;
    bench.formats()?;
    Ok(Table {
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        command: command(std::env::args()),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        packets: run.packets,
        small_packets: run.small_packets,
        runs: run.runs,
        lines: bench.lines,
        left_out,
        profiles: Vec::new(),
    })
}

/// What was typed: `just bench` and its options, but not where the table is put.
fn command(mut words: impl Iterator<Item = String>) -> String {
    let mut typed = vec!["just bench".to_owned()];
    words.by_ref().take(2).for_each(drop);
    while let Some(word) = words.next() {
        if word == "--readme" {
            words.next();
        } else {
            typed.push(word);
        }
    }
    typed.join(" ")
}

struct Bench<'a> {
    run: &'a Run,
    inputs: &'a Inputs,
    lines: Vec<Line>,
}

impl Bench<'_> {
    fn wants(&self, name: &str) -> bool {
        let wanted = self
            .run
            .only
            .as_deref()
            .is_none_or(|only| name.contains(only));
        if wanted {
            say(&format!("measuring {name}"));
        }
        wanted
    }

    fn replay(&self, bundle: &Path, captures: &[&Path], threads: usize, format: &str) -> Program {
        let mut program = Program::new([self.run.program.as_os_str()])
            .with("replay")
            .with(bundle);
        for capture in captures {
            program = program.with(capture);
        }
        program
            .with("-q")
            .with("--format")
            .with(format)
            .with("--threads")
            .with(threads.to_string())
            .with("-o")
            .with("/dev/null")
    }

    /// Nanoseconds a packet of a capture.
    fn each(&self, name: &str, traffic: Traffic, taken: Taken) -> Side {
        each_of(name, taken, self.inputs.packets(traffic))
    }

    fn beside_kernel(&mut self) -> Result<(), Error> {
        for (rules, packets, goal) in [
            (10, 1_000_000, 25.0),
            (1_000, 100_000, 50.0),
            (10_000, 20_000, 250.0),
        ] {
            let name = format!("kernel / netverdict, 64-byte frames, {rules} rules, 1 thread");
            if !self.wants(&name) {
                continue;
            }
            let bundle = self.inputs.bundle(Rules::Filter, rules)?;
            let capture = self.inputs.capture(Traffic::Small)?;
            let mut fed = kernel::measure(&bundle, &capture, packets)?;
            let replay = self.replay(&bundle, &[&capture], 1, "counters");
            let [taken] = fastest([&replay], self.run.runs)?;
            for _ in 1..self.run.runs {
                let again = kernel::measure(&bundle, &capture, packets)?;
                fed.seconds = fed.seconds.min(again.seconds);
            }
            let kernel = Side {
                name: "kernel".to_owned(),
                value: fed.each(),
                unit: "ns a packet",
            };
            let ours = self.each("netverdict", Traffic::Small, taken);
            self.lines
                .push(Line::new(name, kernel, ours, Goal::AtLeast(goal)));
        }
        Ok(())
    }

    fn beside_tcpdump(&mut self) -> Result<(), Error> {
        for traffic in [Traffic::Mixed, Traffic::Small] {
            for rules in [100, 10_000] {
                let frames = frames(traffic);
                let name = format!("netverdict / tcpdump, {frames}, {rules} rules, 2 threads");
                if !self.wants(&name) {
                    continue;
                }
                let bundle = self.inputs.bundle(Rules::Filter, rules)?;
                let capture = self.inputs.capture(traffic)?;
                let replay = self.replay(&bundle, &[&capture], 2, "counters");
                let tcpdump = Program::new(["tcpdump", "-Z", "root", "-r"])
                    .with(&capture)
                    .with("tcp port 80")
                    .with("-w")
                    .with("/dev/null");
                let [ours, theirs] = fastest([&replay, &tcpdump], self.run.runs)?;
                let ours = self.each("netverdict", traffic, ours);
                let theirs = self.each("tcpdump", traffic, theirs);
                self.lines
                    .push(Line::new(name, ours, theirs, Goal::AtMost(1.0)));
            }
        }
        Ok(())
    }

    fn flat_in_rules(&mut self) -> Result<(), Error> {
        for (traffic, goal) in [
            (Traffic::Mixed, 2.0),
            (Traffic::Small, 2.0),
            (Traffic::Scan, 5.0),
        ] {
            let name = format!("10,000 rules / 10 rules, {}, 1 thread", frames(traffic));
            if !self.wants(&name) {
                continue;
            }
            let capture = self.inputs.capture(traffic)?;
            let many = self.inputs.bundle(Rules::Filter, 10_000)?;
            let few = self.inputs.bundle(Rules::Filter, 10)?;
            let many = self.replay(&many, &[&capture], 1, "counters");
            let few = self.replay(&few, &[&capture], 1, "counters");
            let [many, few] = fastest([&many, &few], self.run.runs)?;
            let many = self.each("10,000", traffic, many);
            let few = self.each("10", traffic, few);
            self.lines
                .push(Line::new(name, many, few, Goal::AtMost(goal)));
        }
        Ok(())
    }

    fn two_threads(&mut self) -> Result<(), Error> {
        for (what, traffic, rules, captures) in [
            ("a filter", Traffic::Small, Rules::Filter, 1),
            ("a NAT gateway", Traffic::Gateway, Rules::Gateway, 1),
            ("4 captures at once", Traffic::Small, Rules::Filter, 4),
        ] {
            let name = format!("1 thread / 2 threads, {what}, 100 rules");
            if !self.wants(&name) {
                continue;
            }
            let bundle = self.inputs.bundle(rules, 100)?;
            let paths = (0..captures)
                .map(|number| self.inputs.another(traffic, number))
                .collect::<Result<Vec<_>, _>>()?;
            let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
            let mut one = self.replay(&bundle, &paths, 1, "counters");
            let mut two = self.replay(&bundle, &paths, 2, "counters");
            if captures > 1 {
                (one, two) = (one.with("--separate"), two.with("--separate"));
            }
            let [one, two] = fastest([&one, &two], self.run.runs)?;
            let packets = self.inputs.packets(traffic) * captures;
            let one = each_of("1", one, packets);
            let two = each_of("2", two, packets);
            self.lines
                .push(Line::new(name, one, two, Goal::AtLeast(1.7)));
        }
        Ok(())
    }

    fn memory(&mut self) -> Result<(), Error> {
        let name = format!(
            "peak memory / 300 MB and 400 bytes a flow, {} GB capture",
            self.run.large
        );
        if !self.wants(&name) {
            return Ok(());
        }
        let (capture, _) = self.inputs.large(self.run.large)?;
        let bundle = self.inputs.bundle(Rules::Filter, 100)?;
        let taken = self.replay(&bundle, &[&capture], 2, "counters").run()?;
        let megabytes = |name: &str, bytes: f64| Side {
            name: name.to_owned(),
            value: bytes / 1e6,
            unit: "MB",
        };
        let used = megabytes("peak", taken.memory as f64);
        let allowed = megabytes("allowed", 3e8 + 400.0 * self.run.flows as f64);
        self.lines
            .push(Line::new(name, used, allowed, Goal::AtMost(1.0)));
        Ok(())
    }

    fn loading(&mut self) -> Result<(), Error> {
        let name = "loading 100,000 rules in 5,000 chains / 1 s of CPU";
        if !self.wants(name) {
            return Ok(());
        }
        let dump = self.inputs.long_dump(5_000, 100_000)?;
        let capture = self.inputs.capture_of_one()?;
        let replay = self.replay(&dump, &[&capture], 1, "counters");
        let [taken] = fastest([&replay], self.run.runs)?;
        let seconds = |name: &str, value| Side {
            name: name.to_owned(),
            value,
            unit: "s",
        };
        self.lines.push(Line::new(
            name,
            seconds("CPU of a replay of one packet", taken.cpu),
            seconds("allowed", 1.0),
            Goal::AtMost(1.0),
        ));
        Ok(())
    }

    fn compressed(&mut self) -> Result<(), Error> {
        let name = "replay of .pcap.zst / its decompression, 100 rules, 2 threads";
        if !self.wants(name) {
            return Ok(());
        }
        let bundle = self.inputs.bundle(Rules::Filter, 100)?;
        let capture = self.inputs.compressed(Traffic::Mixed)?;
        let replay = self.replay(&bundle, &[&capture], 2, "counters");
        let zstd = Program::new(["zstd", "-q", "-d", "-c"]).with(&capture);
        if !zstd.is_there() {
            say("zstd is not installed");
            return Ok(());
        }
        let [ours, theirs] = fastest([&replay, &zstd], self.run.runs)?;
        let ours = self.each("replay", Traffic::Mixed, ours);
        let theirs = self.each("zstd -d", Traffic::Mixed, theirs);
        self.lines
            .push(Line::new(name, ours, theirs, Goal::AtMost(1.2)));
        Ok(())
    }

    fn formats(&mut self) -> Result<(), Error> {
        for format in ["json", "packets"] {
            let name = format!("{format} / counters, 100 rules, 2 threads");
            if !self.wants(&name) {
                continue;
            }
            let bundle = self.inputs.bundle(Rules::Filter, 100)?;
            let capture = self.inputs.capture(Traffic::Mixed)?;
            let one = self.replay(&bundle, &[&capture], 2, format);
            let other = self.replay(&bundle, &[&capture], 2, "counters");
            let [one, other] = fastest([&one, &other], self.run.runs)?;
            let one = self.each(format, Traffic::Mixed, one);
            let other = self.each("counters", Traffic::Mixed, other);
            self.lines
                .push(Line::new(name, one, other, Goal::AtMost(2.0)));
        }
        Ok(())
    }
}

fn frames(traffic: Traffic) -> &'static str {
    match traffic {
        Traffic::Mixed => "frames of all lengths",
        Traffic::Small => "64-byte frames",
        Traffic::Scan => "every packet a new flow",
        Traffic::Gateway => "both legs",
    }
}

fn each_of(name: &str, taken: Taken, packets: u64) -> Side {
    Side {
        name: name.to_owned(),
        value: taken.wall * 1e9 / packets.max(1) as f64,
        unit: "ns a packet",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_is_what_was_typed() {
        let words = ["netverdict-bench", "run", "--runs", "5", "--readme", "x.md"];
        let words = words.map(str::to_owned).into_iter();
        assert_eq!(super::command(words), "just bench --runs 5");
    }
}

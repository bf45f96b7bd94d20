//! `netverdict trace`.

use std::io::{self, Write};

use netverdict_capture::Frame;
use netverdict_engine::{Entry, Input, Observer};
use netverdict_replay::{Fate, Options, Record, Session, Setup, Sink, Watch, survey};
use netverdict_report::Palette;
use netverdict_report::trace::{Recorder, Text, Trace, write_json, write_kernel};
use netverdict_ruleset::text;

use crate::args::inputs::Unknown;
use crate::args::trace::{Format, Trace as Args};
use crate::captures::{Sources, refuse_damaged};
use crate::commands::replay::failed;
use crate::error::{Excerpt, Failure, Problem};
use crate::output::Output;
use crate::{exit, hints, host};
use netverdict_send::{Send, SendError, Way};

pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    let sends = args
        .send
        .iter()
        .map(|text| parse(text))
        .collect::<Result<Vec<_>, _>>()?;
    let sources = Sources::new(&args.captures, &args.host.host)?;
    let rules = host::read(&args.host)?;
    super::warn(&args.printed.common, &rules.warnings);
    let mut hints = hints::of_overrides(&rules.bundle, &args.overrides);
    hints.extend(args.send.iter().filter_map(|text| {
        let name = text.split_whitespace().nth(1)?;
        hints::of_interface(&rules.bundle, "--send", name)
    }));
    super::warn(&args.printed.common, &hints);
    let overrides = host::overrides(&args.overrides, &args.model, args.host.lenient)?;
    let (survey, frames) = survey(sources.open()?).map_err(|e| failed(&e, None))?;
    let setup = rules.setup(&survey, &overrides, host::config(&args.model))?;
    let wanted = args.packet.map(std::num::NonZeroU64::get);
    let options = Options {
        fail_on_unknown: args.model.unknown == Unknown::Fail,
        keep_counters: args.model.keep_counters,
        until: wanted.filter(|_| sends.is_empty()),
        ..Options::default()
    };
    let mut session = Session::new(&setup, options);
    let mut packets = Vec::new();
    let mut keep = Keep { wanted, kept: None };
    let mut one = One {
        wanted,
        recorder: Recorder::default(),
    };
    let ran = session.run(sources.open()?, &mut keep, &mut one, &|_| ());
    ran.map_err(|e| failed(&e, Some(&setup)))?;
    if let Some(wanted) = wanted {
        let (record, frame) = keep.kept.ok_or_else(|| absent(wanted, frames))?;
        packets.push(Kept::captured(&session, record, frame, one.recorder));
    }
    for (send, text) in sends.iter().zip(&args.send) {
        packets.push(Kept::sent(&mut session, send, text));
    }
    print(&packets, &setup, args)?;
    refuse_damaged(session.captures())?;
    Ok(exit::DONE)
}

fn parse(text: &str) -> Result<Send, Failure> {
    Send::parse(text).map_err(
        |SendError {
             span,
             found,
             expected,
         }| {
            Problem::new(format!("{found} cannot be read in a packet of --send"))
                .excerpt(Excerpt {
                    name: "--send".to_owned(),
                    line: 1,
                    text: text.to_owned(),
                    span,
                    label: format!("expected {expected}"),
                })
                .help("netverdict trace --help says how packets are written")
                .into()
        },
    )
}

fn absent(wanted: u64, frames: u64) -> Failure {
    Failure::with_help(
        format!("there is no packet {wanted}: {frames} frames were read"),
        "packets are counted from 1 over all captures, in order of time",
    )
}

/// Keeps the record and frame of one packet.
struct Keep {
    wanted: Option<u64>,
    kept: Option<(Record, Frame<'static>)>,
}

impl Sink for Keep {
    type Item = Option<Frame<'static>>;

    fn render(&self, record: &Record, frame: &Frame<'_>) -> Self::Item {
        (Some(record.position) == self.wanted).then(|| frame.clone().into_owned())
    }

    fn take(&mut self, record: &Record, frame: Self::Item) -> io::Result<()> {
        if let Some(frame) = frame {
            self.kept = Some((record.clone(), frame));
        }
        Ok(())
    }
}

/// Sees the steps of one packet.
struct One {
    wanted: Option<u64>,
    recorder: Recorder,
}

impl Watch for One {
    fn observer(&mut self, position: u64) -> Option<&mut dyn Observer> {
        (Some(position) == self.wanted).then_some(&mut self.recorder as &mut dyn Observer)
    }
}

/// A packet with all that its trace shows.
struct Kept {
    title: String,
    record: Record,
    frame: Option<Frame<'static>>,
    packet: Option<netverdict_net::Packet<'static>>,
    recorder: Recorder,
    aside: Option<String>,
}

impl Kept {
    fn captured(
        session: &Session<'_>,
        record: Record,
        frame: Frame<'static>,
        recorder: Recorder,
    ) -> Self {
        let file = |index: usize| {
            session
                .captures()
                .get(index)
                .map_or("?", |c| c.name.as_str())
        };
        let aside = record
            .evidence
            .as_ref()
            .filter(|_| record.fate == Fate::Evidence)
            .map(|evidence| {
                let of = format!(
                    "the continuation of frame {} of {}",
                    evidence.of.number,
                    file(evidence.of.file)
                );
                match &evidence.contradiction {
                    None => format!("not replayed: {of}, as predicted"),
                    Some(contradiction) => format!("not replayed: {of}, which was {contradiction}"),
                }
            });
        Self {
            title: format!(
                "frame {} of {}",
                record.frame.number,
                file(record.frame.file)
            ),
            record,
            frame: Some(frame),
            packet: None,
            recorder,
            aside,
        }
    }

    fn sent(session: &mut Session<'_>, send: &Send, text: &str) -> Self {
        let mut recorder = Recorder::default();
        let packet = send.packet();
        let input = Input {
            packet: packet.clone(),
            time: send.time(session.latest()),
            entry: match send.way {
                Way::In => Entry::Prerouting {
                    in_device: send.device,
                },
                Way::Out => Entry::Output {
                    out_device: send.device,
                },
            },
        };
        let (record, _) = session.send(input, &mut recorder);
        Self {
            title: format!("--send '{text}'"),
            record,
            frame: None,
            packet: Some(packet),
            recorder,
            aside: None,
        }
    }

    fn trace<'k>(&'k self, setup: &'k Setup) -> Trace<'k> {
        let mut trace = match &self.frame {
            Some(frame) => Trace::of_frame(
                setup,
                self.title.clone(),
                frame,
                &self.record,
                &self.recorder,
            ),
            None => Trace {
                setup,
                title: self.title.clone(),
                record: &self.record,
                recorder: &self.recorder,
                packet: self.packet.clone(),
                tags: Vec::new(),
                aside: None,
            },
        };
        trace.aside.clone_from(&self.aside);
        trace
    }
}

fn print(packets: &[Kept], setup: &Setup, args: &Args) -> Result<(), Failure> {
    let mut output = Output::open(&args.printed.common)?;
    let traces: Vec<_> = packets.iter().map(|packet| packet.trace(setup)).collect();
    let palette = if output.has_colours() {
        Palette::COLOURS
    } else {
        Palette::PLAIN
    };
    let written = match args.printed.format {
        Format::Json => write_json(&traces, &mut output),
        Format::Kernel => traces
            .iter()
            .try_for_each(|trace| write_kernel(trace, &mut output)),
        Format::Text => {
            let texts: Vec<_> = traces
                .iter()
                .map(|trace| Text::new(trace, palette).to_string())
                .collect();
            output.write_all(&text::encode(&texts.join("\n")))
        }
    };
    written.map_err(|error| output.failure(&error))?;
    output.finish()
}

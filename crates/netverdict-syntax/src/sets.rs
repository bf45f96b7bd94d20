//! `ipset save` text into typed sets, line by line.

mod create;
mod element;
mod entry;

use foldhash::{HashMap, HashMapExt as _};
use netverdict_ruleset::sets::{SetCollection, SetDefinition, SetElement, SetEntry, SetKind};
use netverdict_ruleset::text;

use crate::diagnostic::{Diagnostic, Severity};
use crate::problem::{Code, Parsed, Problem};
use crate::words::{self, Word};

/// What a text of sets holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParsedSets {
    /// The sets. Lines with an error are not in them.
    pub sets: SetCollection,
    /// What was found, by line.
    pub diagnostics: Vec<Diagnostic>,
}

impl ParsedSets {
    /// Whether a line was refused.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads what `ipset save` prints and `ipset restore` takes.
pub fn parse_sets(bytes: &[u8]) -> ParsedSets {
    let text = text::decode(bytes);
    let mut reader = Reader::default();
    let mut diagnostics = Vec::new();
    for (line, source) in (1..).zip(text.lines()) {
        let source = source.trim_end();
        if let Err(problem) = reader.line(line, source) {
            diagnostics.push(Diagnostic::new(Severity::Error, line, source, problem));
        }
    }
    ParsedSets {
        sets: reader.sets,
        diagnostics,
    }
}

/// The sets so far, and where their entries are.
#[derive(Default)]
struct Reader {
    sets: SetCollection,
    by_name: HashMap<String, usize>,
    /// For each set, the place of each element. An element that was deleted leaves a hole until the end.
    places: Vec<HashMap<SetElement, usize>>,
}

/// Words of a line, the command and switches aside.
struct Line<'a> {
    line: u32,
    words: &'a [Word],
    /// `-exist`: what is there already is no error.
    exist: bool,
}

impl Line<'_> {
    fn word(&self, index: usize, what: &str) -> Parsed<&Word> {
        self.words.get(index).ok_or_else(|| {
            let problem = Problem::new(Code::Option, format!("{what} is missing"));
            match self.words.last() {
                Some(last) => problem.at(last.span),
                None => problem,
            }
        })
    }
}

impl Reader {
    fn line(&mut self, line: u32, source: &str) -> Parsed<()> {
        if source.trim().is_empty() || source.trim_start().starts_with('#') || source == "COMMIT" {
            return Ok(());
        }
        let (mut all, _) = words::split(source, 0);
        let is_switch = |word: &Word, names: [&str; 2]| names.contains(&word.text.as_str());
        let exist = all.iter().any(|word| is_switch(word, ["-exist", "-!"]));
        all.retain(|word| !is_switch(word, ["-exist", "-!"]) && !is_switch(word, ["-quiet", "-q"]));
        let Some((command, words)) = all.split_first() else {
            return Ok(());
        };
        let line = Line { line, words, exist };
        match command.text.trim_start_matches('-') {
            "create" | "N" | "n" => self.create(&line),
            "add" | "A" | "a" => self.add(&line),
            "del" | "D" | "d" => self.delete(&line),
            "flush" | "F" | "f" => self.flush(&line),
            "destroy" | "X" | "x" => self.destroy(&line),
            "rename" | "E" | "e" => self.rename(&line),
            "swap" | "W" | "w" => self.swap(&line),
            _ => Err(
                Problem::new(Code::Line, format!("unknown command `{}`", command.text))
                    .at(command.span)
                    .expected("`create`, `add` or another command of ipset"),
            ),
        }
    }

    fn find(&self, name: &Word) -> Parsed<usize> {
        self.by_name.get(&name.text).copied().ok_or_else(|| {
            Problem::new(Code::Chain, format!("no set `{}`", name.text))
                .at(name.span)
                .help("`create` must come before")
        })
    }

    fn create(&mut self, line: &Line<'_>) -> Parsed<()> {
        let name = line.word(0, "the set's name")?;
        let definition = create::read(name, line)?;
        if let Some(index) = self.by_name.get(&name.text).copied() {
            let same = self
                .sets
                .sets
                .get(index)
                .is_some_and(|set| set.kind == definition.kind);
            if line.exist && same {
                return Ok(());
            }
            let message = format!("set `{}` is there already", name.text);
            return Err(Problem::new(Code::Chain, message).at(name.span));
        }
        self.by_name.insert(name.text.clone(), self.sets.sets.len());
        self.places.push(HashMap::new());
        self.sets.sets.push(definition);
        Ok(())
    }

    fn add(&mut self, line: &Line<'_>) -> Parsed<()> {
        let name = line.word(0, "the set's name")?;
        let word = line.word(1, "the entry")?;
        let index = self.find(name)?;
        let (Some(set), Some(places)) = (self.sets.sets.get_mut(index), self.places.get_mut(index))
        else {
            return Ok(());
        };
        if set.kind == SetKind::ListSet && !self.by_name.contains_key(&word.text) {
            let message = format!("no set `{}` to put into the list", word.text);
            return Err(Problem::new(Code::Chain, message).at(word.span));
        }
        let options = entry::read(set, line)?;
        let elements = element::read(set, word, options.wildcard)?;
        for element in elements {
            let entry = SetEntry {
                element,
                nomatch: options.nomatch,
                extras: options.extras.clone(),
            };
            put(set, places, entry, word, line)?;
        }
        entry::place_in_list(set, line)
    }

    fn delete(&mut self, line: &Line<'_>) -> Parsed<()> {
        let index = self.find(line.word(0, "the set's name")?)?;
        let word = line.word(1, "the entry")?;
        let (Some(set), Some(places)) = (self.sets.sets.get_mut(index), self.places.get_mut(index))
        else {
            return Ok(());
        };
        for element in element::read(set, word, false)? {
            if places.remove(&element).is_none() && !line.exist {
                let message = format!("`{}` is not in the set", word.text);
                return Err(Problem::new(Code::Command, message).at(word.span));
            }
            set.entries.retain(|entry| entry.element != element);
        }
        index_again(set, places);
        Ok(())
    }

    fn flush(&mut self, line: &Line<'_>) -> Parsed<()> {
        let only = line.words.first().map(|name| self.find(name)).transpose()?;
        for (index, (set, places)) in self.sets.sets.iter_mut().zip(&mut self.places).enumerate() {
            if only.is_none_or(|only| only == index) {
                set.entries.clear();
                places.clear();
            }
        }
        Ok(())
    }

    fn destroy(&mut self, line: &Line<'_>) -> Parsed<()> {
        match line.words.first() {
            None => *self = Self::default(),
            Some(name) => {
                let index = self.find(name)?;
                self.sets.sets.remove(index);
                self.places.remove(index);
                self.name_again();
            }
        }
        Ok(())
    }

    fn rename(&mut self, line: &Line<'_>) -> Parsed<()> {
        let index = self.find(line.word(0, "the set's name")?)?;
        let new = line.word(1, "the new name")?;
        if self.by_name.contains_key(&new.text) {
            let message = format!("set `{}` is there already", new.text);
            return Err(Problem::new(Code::Chain, message).at(new.span));
        }
        create::check_name(new)?;
        if let Some(set) = self.sets.sets.get_mut(index) {
            set.name.clone_from(&new.text);
        }
        self.name_again();
        Ok(())
    }

    /// Exchanges what two sets of one type hold.
    fn swap(&mut self, line: &Line<'_>) -> Parsed<()> {
        let first = self.find(line.word(0, "the first set")?)?;
        let word = line.word(1, "the second set")?;
        let second = self.find(word)?;
        let sets = &mut self.sets.sets;
        if sets[first].kind != sets[second].kind {
            return Err(
                Problem::new(Code::Command, "the sets are of different types").at(word.span),
            );
        }
        sets.swap(first, second);
        let name = std::mem::take(&mut sets[first].name);
        sets[first].name = std::mem::replace(&mut sets[second].name, name);
        self.places.swap(first, second);
        Ok(())
    }

    fn name_again(&mut self) {
        let names = self.sets.sets.iter().enumerate();
        self.by_name = names
            .map(|(index, set)| (set.name.clone(), index))
            .collect();
    }
}

/// Entries of a hash, unless it says otherwise.
const DEFAULT_MAX_ELEMENTS: u32 = 65_536;
/// Members of a list, unless it says otherwise.
const DEFAULT_LIST_SIZE: u32 = 8;

fn put(
    set: &mut SetDefinition,
    places: &mut HashMap<SetElement, usize>,
    entry: SetEntry,
    word: &Word,
    line: &Line<'_>,
) -> Parsed<()> {
    if let Some(index) = places.get(&entry.element).copied() {
        if !line.exist {
            let message = format!("`{}` is in the set already", word.text);
            return Err(Problem::new(Code::Command, message).at(word.span));
        }
        if let Some(slot) = set.entries.get_mut(index) {
            *slot = entry;
        }
        return Ok(());
    }
    let most = match set.kind {
        SetKind::ListSet => Some(set.options.list_size.unwrap_or(DEFAULT_LIST_SIZE)),
        kind if kind.is_hash() => Some(set.options.max_elements.unwrap_or(DEFAULT_MAX_ELEMENTS)),
        _ => None,
    };
    let is_full = most.is_some_and(|most| set.entries.len() >= most as usize);
    if is_full && !set.options.force_add && set.kind != SetKind::ListSet {
        let message = format!("the set is full: it takes {} entries", set.entries.len());
        return Err(Problem::new(Code::Command, message).at(word.span));
    }
    places.insert(entry.element.clone(), set.entries.len());
    set.entries.push(entry);
    Ok(())
}

fn index_again(set: &SetDefinition, places: &mut HashMap<SetElement, usize>) {
    let elements = set.entries.iter().enumerate();
    *places = elements
        .map(|(index, entry)| (entry.element.clone(), index))
        .collect();
}

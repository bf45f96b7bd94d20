//! Columns of text, padded to the widest cell.

use std::fmt;

use anstyle::Style;

/// The text with control characters escaped: names from captures and dumps may hold any, and a terminal obeys them.
pub fn visible(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let escape = |letter: char| {
        if letter.is_control() {
            letter.escape_default().to_string()
        } else {
            letter.to_string()
        }
    };
    text.chars().map(escape).collect()
}

/// Which side of a column its cells keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// One cell.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Plain text.
    pub fn new(text: impl fmt::Display) -> Self {
        Self {
            text: visible(&text.to_string()),
            style: Style::new(),
        }
    }

    /// Text in a style.
    pub fn styled(style: Style, text: impl fmt::Display) -> Self {
        Self {
            text: visible(&text.to_string()),
            style,
        }
    }
}

/// Rows of cells.
#[derive(Debug, Clone)]
pub struct Columns {
    sides: Vec<Side>,
    rows: Vec<Vec<Cell>>,
}

impl Columns {
    /// No rows yet; a side for each column.
    pub fn new(sides: &[Side]) -> Self {
        Self {
            sides: sides.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.text.chars().count())
            .max()
            .unwrap_or(0)
    }
}

/// Each row on a line of its own, indented by two blanks, without blanks at its end.
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<_> = (0..self.sides.len())
            .map(|column| self.width(column))
            .collect();
        for row in &self.rows {
            write!(f, " ")?;
            for (index, cell) in row.iter().enumerate() {
                let width = widths.get(index).copied().unwrap_or(0);
                let pad = width.saturating_sub(cell.text.chars().count());
                let is_last = index + 1 == row.len();
                let style = cell.style;
                match self.sides.get(index) {
                    Some(Side::Right) => write!(f, " {:pad$}{style}{}{style:#}", "", cell.text)?,
                    _ if is_last => write!(f, " {style}{}{style:#}", cell.text)?,
                    _ => write!(f, " {style}{}{style:#}{:pad$}", cell.text, "")?,
                }
                if !is_last {
                    write!(f, " ")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut columns = Columns::new(&[Side::Right, Side::Left, Side::Left]);
        columns.row([1, 2, 3].map(Cell::new));
        columns.row(["100", "wide", ""].map(Cell::new));
        assert_eq!(columns.to_string(), "    1  2     3\n  100  wide  \n");
    }

    #[test]
    fn no_text_reaches_the_terminal_as_control() {
        assert_eq!(visible("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
    }
}

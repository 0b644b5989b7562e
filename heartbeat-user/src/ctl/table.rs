//! Columns that line up.

/// Lines of `rows` under `heads`, two blanks between columns, none at the ends of lines.
pub(super) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heads.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = line(heads, widths);
    for row in rows {
        text += &line(row.each_ref().map(String::as_str), widths);
    }
    text
}

fn line<const N: usize>(cells: [&str; N], widths: [usize; N]) -> String {
    let padded = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"));
    let line = padded.collect::<Vec<_>>().join("  ");
    line.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_is_longer_head_or_cell() {
        let rows = [
            ["1".to_owned(), "a long cell".to_owned()],
            ["22".to_owned(), "ü".to_owned()],
        ];
        assert_eq!(
            table(["SLOT", "X"], &rows),
            "SLOT  X\n1     a long cell\n22    ü\n"
        );
    }
}

//! `cargo xtask tidy --fix`: breaks comments that are too long into lines that are not.
//!
//! rustfmt leaves comments alone. Lines are filled anew only where one of them is too long, and
//! only up to the end of a sentence that ends its line; lists, tables, code and addresses stay.

use super::text::LINE_CHARACTERS;

/// `text` with every too long comment paragraph filled anew.
pub(super) fn wrap_comments(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let mut fenced = false;
    while let Some(line) = lines.get(at) {
        let Some(head) = comment_head(line) else {
            fenced = false;
            push(&mut out, line);
            at += 1;
            continue;
        };
        fenced ^= line[head.len()..].starts_with("```");
        let paragraph = paragraph(head, &lines[at..]);
        if !fenced && paragraph.iter().any(|line| too_long(line)) && !is_fixed(&line[head.len()..])
        {
            fill(&mut out, head, paragraph);
            at += paragraph.len();
        } else {
            push(&mut out, line);
            at += 1;
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn too_long(line: &str) -> bool {
    line.chars().count() > LINE_CHARACTERS && !line.contains("://")
}

/// Indent, slashes and one space of a line that is nothing but a comment.
fn comment_head(line: &str) -> Option<&str> {
    let indent = line.len() - line.trim_start().len();
    let marks = ["/// ", "//! ", "// "];
    let mark = marks.iter().find(|mark| line[indent..].starts_with(**mark))?;
    Some(&line[..indent + mark.len()])
}

/// Text that must keep its line to itself.
fn is_fixed(text: &str) -> bool {
    ["```", "|", "#", "<http", "    "].iter().any(|mark| text.starts_with(mark))
}

/// Whether `next` is the same paragraph as a line that begins with `head`.
fn continues(head: &str, next: &str) -> bool {
    let starts_item = |text: &str| text.starts_with("- ") || text.starts_with("* ");
    comment_head(next) == Some(head)
        && next.strip_prefix(head).is_some_and(|text| {
            let numbered = text.trim_start_matches(|c: char| c.is_ascii_digit());
            let item = starts_item(text) || (numbered != text && numbered.starts_with(". "));
            !text.trim().is_empty() && !item && !is_fixed(text)
        })
}

/// The lines from the first on that are filled together.
fn paragraph<'a, 'b>(head: &str, lines: &'a [&'b str]) -> &'a [&'b str] {
    let more = lines.windows(2).take_while(|pair| {
        let sentence_ends = pair[0].ends_with(['.', ':', '!', '?']);
        !sentence_ends && continues(head, pair[1])
    });
    &lines[..=more.count()]
}

/// Fills `paragraph`, going on under the text of a list item.
fn fill(out: &mut String, head: &str, paragraph: &[&str]) {
    let item = paragraph[0][head.len()..].starts_with("- ");
    let hang = format!("{head}{}", if item { "  " } else { "" });
    let mut line = head.to_owned();
    let mut empty = true;
    let texts = paragraph.iter().map(|line| &line[head.len()..]);
    for word in texts.flat_map(str::split_whitespace) {
        if !empty && line.chars().count() + 1 + word.chars().count() > LINE_CHARACTERS {
            push(out, &line);
            (line, empty) = (hang.clone(), true);
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    push(out, &line);
}

#[cfg(test)]
mod tests {
    use super::wrap_comments;

    /// `word` repeated, as a comment of one line.
    fn words(head: &str, count: usize) -> String {
        format!("{head}{}\n", vec!["word"; count].join(" "))
    }

    #[test]
    fn a_long_paragraph_is_filled_and_a_short_one_left() {
        let check = |text: &str, expected: &str| assert_eq!(wrap_comments(text), expected);
        check("/// a\n/// b\nfn c() {}\n", "/// a\n/// b\nfn c() {}\n");
        let (long, nineteen) = (words("/// ", 20), words("/// ", 19));
        check(&long, &format!("{nineteen}/// word\n"));
        check(&format!("{long}/// end\nx\n"), &format!("{nineteen}/// word end\nx\n"));
        let sentence = long.replace("word\n", "word.\n");
        check(&format!("{sentence}/// End.\n"), &format!("{nineteen}/// word.\n/// End.\n"));
        check(&format!("{long}///\n/// end\n"), &format!("{nineteen}/// word\n///\n/// end\n"));
        check(&format!("{long}/// - end\n"), &format!("{nineteen}/// word\n/// - end\n"));
        let inner = words("    //! - ", 18);
        check(&words("    //! - ", 19), &format!("{inner}    //!   word\n"));
    }

    #[test]
    fn code_tables_and_addresses_stay() {
        let same = |text: &str| assert_eq!(wrap_comments(text), text);
        same(&words("let a = \"", 30));
        same(&words("/// | ", 30));
        same(&format!("/// ```\n{}/// ```\n", words("/// ", 30)));
        same(&words("//! <https://hl7.org/", 30));
        same(&words("let a = 1; // ", 30));
    }
}

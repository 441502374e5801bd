//! Texts and what becomes of them.

use super::*;

fn render(text: &str) -> Result<String, String> {
    let scope = Scope {
        variables: &[("name.full", "geo-db-eu"), ("name.suffix", "db-eu"), ("agent.segment", "")],
        matches: &["geo-db-eu", "db", "7"],
    };
    let parsed = Text::parse(text).map_err(|error| error.to_string())?;
    parsed.render(&scope).map_err(|error| error.to_string())
}

#[test]
fn texts_are_filled_in() {
    for (text, expected) in [
        ("", ""),
        ("plain $ text { } \\n $", "plain $ text { } \\n $"),
        ("${name.full}", "geo-db-eu"),
        ("x-${ name.suffix }-${agent.segment}y", "x-db-eu-y"),
        ("$${name.full} $$$ $$$${name.full}", "${name.full} $$ $${name.full}"),
        ("$$${name.suffix}", "$db-eu"),
        ("${match(0)}/${match(1)}/${match(9)}/${match(-1)}", "geo-db-eu/db//"),
        ("${match(\"1\")}${match(match(2) - 6)}", "dbdb"),
        ("${\"a \\\"b\\\" \\\\ ${name.suffix} $${x}\"}", "a \"b\" \\ db-eu ${x}"),
        ("${1 + 2 * 3 - 4 / 2 % 3}|${(1 + 2) * 3}|${-2 + 5}", "5|9|3"),
        ("${match(1) == \"db\" ? \"primary\" : \"replica\"}", "primary"),
        ("${match(2) == 7 && !false || 1 > 2}", "true"),
        ("${match(2) != 7}${match(2) >= 7}${2 <= 1}${\"true\" == true}", "falsetruefalsetrue"),
        ("${true ? false ? 1 : 2 : 3}", "2"),
        ("ü${name.suffix}", "üdb-eu"),
    ] {
        assert_eq!(render(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    let deep = format!("${{{}1{}}}", "(".repeat(40), ")".repeat(40));
    let minus = format!("${{{}1}}", "-".repeat(40));
    for (text, expected) in [
        ("${", "parse error at 1:3: expected expression but found end of string"),
        ("a${name.full", "parse error at 1:13: expected \"}\" but found end of string"),
        ("${name.full)}", "parse error at 1:12: expected \"}\" but found \")\""),
        ("x\n ${\"a}", "parse error at 2:7: expected closing quote but found end of string"),
        ("${\"\\x\"}", "parse error at 1:6: invalid backslash escape sequence"),
        ("${1.5}", "parse error at 1:3: only whole numbers are allowed: 1.5"),
        ("${99999999999999999999}", "parse error at 1:3: invalid integer: 99999999999999999999"),
        ("${name[0]}", "parse error at 1:7: name is no list and has no members"),
        ("${1 ? 2}", "parse error at 1:8: expected \":\" but found \"}\""),
        (&deep, "parse error at 1:35: expressions may nest at most 32 deep"),
        (&minus, "parse error at 1:35: expressions may nest at most 32 deep"),
        ("${nope}", "1:3: unknown variable accessed: nope"),
        ("a${b(1)}", "1:4: unknown function called: b"),
        ("${match()}", "1:3: match: expected 1 arguments, got 0"),
        ("${match(\"x\")}", "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ("${match(1) ? 1 : 2}", "strconv.ParseBool: parsing \"db\": invalid syntax"),
        ("${true == 1}", "1:3: unsupported operands"),
        ("${1 / 0}", "divide by zero"),
        ("${9223372036854775807 + 1}", "1:3: the result is out of range"),
        ("${true ? 1 : nope}", "1:14: unknown variable accessed: nope"),
    ] {
        assert_eq!(render(text), Err(expected.to_owned()), "{text}");
    }
    let long = "x".repeat(BYTES_MAX + 1);
    assert!(render(&long).unwrap_err().ends_with("the text has 8193 bytes; at most 8192 are allowed"));
}

#[test]
fn no_text_makes_it_panic_or_hang() {
    let alphabet: Vec<&str> =
        "${ } \" \\ ( ) match name.full 1 -9 ! ? : , + % == && $$ ü [ . \n".split(' ').collect();
    let mut seeded = crate::balance::Seeded::new(4);
    let mut read = 0;
    for _ in 0..20_000 {
        let mut draw = |n| crate::balance::below(n, &mut || seeded.draw());
        let text: String = (0..draw(12)).map(|_| alphabet[draw(alphabet.len())]).collect();
        read += usize::from(render(&text).is_ok());
    }
    assert!(read > 100, "only {read} texts could be read");
}

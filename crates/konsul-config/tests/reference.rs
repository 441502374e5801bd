//! The checked-in reference page is the one that the declarations make. `UPDATE=1` rewrites it.

use std::path::Path;

#[test]
fn the_reference_page_is_fresh() {
    fresh("configuration.md", &konsul_config::reference_page());
}

#[test]
fn the_page_of_definitions_is_fresh() {
    fresh("definitions.md", &konsul_config::definitions_page());
}

fn fresh(name: &str, wanted: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/reference").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("it lies in a directory"))
            .expect("the directory can be made");
        std::fs::write(&path, wanted).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is stale; run: UPDATE=1 cargo test -p konsul-config --test reference",
        path.display()
    );
}

#[test]
fn the_help_fits_a_terminal_and_names_every_flag() {
    let help = konsul_config::help_text();
    for line in help.lines() {
        assert!(line.chars().count() <= 80, "too wide: {line}");
    }
    for option in konsul_config::all_options() {
        assert!(help.contains(&format!("  -{}", option.flag_name())), "-{} is missing", option.flag_name());
    }
    insta::assert_snapshot!(help);
}

#[test]
fn the_schema_describes_every_option() {
    let schema = konsul_config::json_schema();
    for option in konsul_config::all_options().filter(|option| option.in_files) {
        let pointer = format!("/properties/{}", option.key.replace('.', "/properties/"));
        let property = schema.pointer(&pointer).unwrap_or_else(|| panic!("{} is missing", option.key));
        assert_eq!(property["description"], option.doc);
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema).expect("plain data"));
}

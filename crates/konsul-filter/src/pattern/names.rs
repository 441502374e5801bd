//! Names of groups of letters that `\p{…}` takes: scripts, categories and their long names.
//!
//! The `regex` crate knows more (codes of scripts, properties), which no Go release takes.

use super::classes::{ANYTHING, NOTHING};

/// What stands for a group inside brackets, or nothing where Go has no such group. Its newer releases ignore case, blanks
/// and lines in a name; they are taken here as well.
pub(super) fn group(name: &str, negated: bool) -> Option<String> {
    let bare = name.chars().filter(|letter| !matches!(letter, '_' | '-' | ' ')).collect::<String>();
    let bare = bare.to_ascii_lowercase();
    let known = !bare.is_empty() && NAMES.split_ascii_whitespace().any(|known| known == bare);
    known.then(|| match (&*bare, negated) {
        // No letter is one of them, and the crate does not know them.
        ("cs" | "surrogate", false) => NOTHING.to_owned(),
        ("cs" | "surrogate", true) => ANYTHING.to_owned(),
        (_, false) => format!("\\p{{{bare}}}"),
        (_, true) => format!("\\P{{{bare}}}"),
    })
}

const NAMES: &str = "
    any ascii assigned adlam ahom anatolianhieroglyphs arabic armenian avestan balinese bamum bassavah batak
    bengali bhaiksuki bopomofo brahmi braille buginese buhid c canadianaboriginal carian casedletter
    caucasianalbanian cc cf chakma cham cherokee chorasmian closepunctuation cn cntrl co combiningmark common
    connectorpunctuation control coptic cs cuneiform currencysymbol cypriot cyprominoan cyrillic
    dashpunctuation decimalnumber deseret devanagari digit divesakuru dogra duployan egyptianhieroglyphs
    elbasan elymaic enclosingmark ethiopic finalpunctuation format georgian glagolitic gothic grantha greek
    gujarati gunjalagondi gurmukhi han hangul hanifirohingya hanunoo hatran hebrew hiragana imperialaramaic
    inherited initialpunctuation inscriptionalpahlavi inscriptionalparthian javanese kaithi kannada katakana
    kawi kayahli kharoshthi khitansmallscript khmer khojki khudawadi l lao latin lc lepcha letter
    letternumber limbu lineara linearb lineseparator lisu ll lm lo lowercaseletter lt lu lycian lydian m
    mahajani makasar malayalam mandaic manichaean marchen mark masaramgondi mathsymbol mc me medefaidrin
    meeteimayek mendekikakui meroiticcursive meroitichieroglyphs miao mn modi modifierletter modifiersymbol
    mongolian mro multani myanmar n nabataean nagmundari nandinagari nd newa newtailue nko nl no
    nonspacingmark number nushu nyiakengpuachuehmong ogham olchiki oldhungarian olditalic oldnortharabian
    oldpermic oldpersian oldsogdian oldsoutharabian oldturkic olduyghur openpunctuation oriya osage osmanya
    other otherletter othernumber otherpunctuation othersymbol p pahawhhmong palmyrene paragraphseparator
    paucinhau pc pd pe pf phagspa phoenician pi po privateuse ps psalterpahlavi punct punctuation rejang
    runic s samaritan saurashtra sc separator sharada shavian siddham signwriting sinhala sk sm so sogdian
    sorasompeng soyombo spaceseparator spacingmark sundanese surrogate sylotinagri symbol syriac tagalog
    tagbanwa taile taitham taiviet takri tamil tangsa tangut telugu thaana thai tibetan tifinagh tirhuta
    titlecaseletter toto ugaritic unassigned uppercaseletter vai vithkuqi wancho warangciti yezidi yi z
    zanabazarsquare zl zp zs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_of_this_builds_tables() {
        for name in NAMES.split_ascii_whitespace() {
            for negated in [false, true] {
                let group = group(name, negated).expect("a name of the list");
                assert!(regex::Regex::new(&format!("[{group}]")).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn names_of_the_crate_alone_are_none() {
        for name in ["Grek", "Alphabetic", "Emoji", "sc=Greek", "", "_"] {
            assert_eq!(group(name, false), None, "{name}");
        }
    }
}

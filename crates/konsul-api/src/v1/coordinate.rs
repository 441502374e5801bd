//! Network coordinates.

use serde::{Deserialize, Serialize};

use super::write::{Object, list};

/// Where a node stands by round-trip times, in seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Coordinate {
    /// The place in the plane part.
    pub vec: Vec<f64>,
    /// Confidence: lower is better.
    pub error: f64,
    /// An offset from further measurements.
    pub adjustment: f64,
    /// The access link's part.
    pub height: f64,
}

/// What `coordinate/update` takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Update {
    /// Its datacentre; empty for the answering agent's.
    pub datacenter: String,
    /// The node.
    pub node: String,
    /// The segment; empty for the default one.
    pub segment: String,
    /// The partition; only `default` or empty.
    pub partition: String,
    /// Where it stands.
    pub coord: Option<Coordinate>,
}

impl Coordinate {
    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        list(object.value("Vec"), self.vec.iter(), |out, number| write_f64(out, *number));
        write_f64(object.value("Error"), self.error);
        write_f64(object.value("Adjustment"), self.adjustment);
        write_f64(object.value("Height"), self.height);
        object.end();
    }

    /// Appends it with the node and the segment that it is of.
    pub fn write_of(&self, node: &str, segment: &str, out: &mut Vec<u8>) {
        let mut object = Object::begin(out);
        object.text("Node", node);
        object.text("Segment", segment);
        self.write(object.value("Coord"));
        object.end();
    }
}

/// Writes a number as Go does: as few digits as tell it apart, and powers of ten only where it is tiny or huge.
pub fn write_f64(out: &mut Vec<u8>, number: f64) {
    let size = number.abs();
    let text = if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        match text.split_once('e') {
            Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
            _ => text,
        }
    } else {
        format!("{number}")
    };
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_gos() {
        for (number, text) in [
            (0.0, "0"),
            (1.5, "1.5"),
            (1e-5, "0.00001"),
            (1e-7, "1e-7"),
            (-2.5e-10, "-2.5e-10"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
        ] {
            let mut out = Vec::new();
            write_f64(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn a_coordinate_is_written_as_it_is_read() {
        let coordinate = Coordinate { vec: vec![0.0, 0.25], error: 1.5, adjustment: 0.0, height: 1e-5 };
        let mut out = Vec::new();
        coordinate.write_of("n", "", &mut out);
        let expect = r#"{"Node":"n","Segment":"","Coord":{"Vec":[0,0.25],"Error":1.5,"Adjustment":0,"Height":0.00001}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expect);
        let update: Update = serde_json::from_str(expect).unwrap();
        assert_eq!(update.coord, Some(coordinate));
    }
}

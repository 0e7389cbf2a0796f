//! On which line each feature of a GeoJSON file starts, found by a walk over brackets and strings.
//!
//! `serde_json` forgets positions once it has built its values; this finds them again without a second parser.

/// Lines (from 1) of the elements of the top-level `features` array; empty when there is none.
pub(super) fn feature_lines(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let (mut line, mut depth, mut at) = (1_usize, 0_usize, 0_usize);
    let mut last_key: &[u8] = b"";
    let mut within = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\n' => line += 1,
            b'"' => {
                let end = string_end(bytes, at);
                if depth == 1 {
                    last_key = bytes.get(at + 1..end).unwrap_or(b"");
                }
                line += bytes.get(at..end).unwrap_or(b"").iter().filter(|&&b| b == b'\n').count();
                at = end;
            }
            b'{' | b'[' => {
                if within && depth == 2 {
                    lines.push(line);
                }
                if depth == 1 && byte == b'[' && last_key == b"features" {
                    within = true;
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if within && depth == 1 {
                    return lines;
                }
            }
            _ => {}
        }
        at += 1;
    }
    lines
}

/// Index of the quote that ends the string starting at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_lines_of_features() {
        let text = "{\"type\":\"FeatureCollection\",\n \"name\":\"a\\\"[{\",\n\"features\":[\n{\"a\":[{}]},\n\n{\"b\":1}\n]\n,\"x\":[{}]}";
        assert_eq!(feature_lines(text), [4, 6]);
        assert_eq!(feature_lines("{\"type\":\"Feature\"}"), [] as [usize; 0]);
        assert_eq!(feature_lines("{\"features\":[{\"a\":\"unclosed"), [1]);
    }
}

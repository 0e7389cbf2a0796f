//! Maps of objects as they are stored.

use taa_dlms::cosem::ObjectMap;

/// What is read back is written as it was, or refused.
pub fn object_map(data: &[u8]) {
    let Ok(map) = ObjectMap::from_bytes(data) else { return };
    let bytes = map.to_bytes();
    let again = ObjectMap::from_bytes(&bytes).expect("what was stored is read");
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(again.len(), map.len());
    for entry in map.iter() {
        assert!(map.find_class(entry.class, entry.obis).is_some() && map.rights(entry).is_some());
    }
    let list = map.to_ln_list(1);
    let built = ObjectMap::from_ln_list(&list, 1).expect("its own list");
    assert!(built.len() <= map.len());
}

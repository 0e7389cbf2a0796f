//! A node among liars: any octets, any mutation of honest packets, in any order, and it neither panics nor grows.

mod air;

use air::{Air, MINUTE_NS, SECOND_NS, eui, global};
use proptest::prelude::*;
use taa_mesh::ip::{Header, next};
use taa_mesh::rpl::node::{Config, Node, Output};
use taa_mesh::rpl::wire::Mode;

/// Packets that honest nodes of a small mesh sent each other.
fn honest() -> Vec<Vec<u8>> {
    let mut air = Air::new(4, 1, |_, _| ()).line();
    air.start();
    air.run(60 * MINUTE_NS);
    air.send(3, global(0), b"up");
    air.send(0, global(3), b"down");
    let mut packets = Vec::new();
    for (index, node) in air.nodes.iter_mut().enumerate() {
        node.send(air.now_ns, global(3 - index.min(2)), next::UDP, b"x");
        node.repair_globally(air.now_ns);
        node.handle_timeout(air.now_ns + 40 * MINUTE_NS);
        while let Output::Transmit { packet, .. } | Output::External(packet) = node.poll_output() {
            packets.push(packet);
        }
    }
    assert!(packets.len() > 6, "{}", packets.len());
    packets
}

fn node(root: bool, storing: bool) -> Node {
    let mut config = if root { Config::root(eui(0), 1, air::PREFIX) } else { Config::router(eui(2), 1) };
    config.mode = if storing { Mode::Storing } else { Mode::NonStoring };
    let mut node = Node::new(config);
    node.handle_start(0);
    node
}

fn drained(node: &mut Node) -> usize {
    (0..10_000).take_while(|_| !matches!(node.poll_output(), Output::Timeout(_))).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_packet_makes_a_panic(
        root: bool,
        storing: bool,
        steps in proptest::collection::vec((0..64_usize, 0..200_usize, any::<u8>(), 0..100_u16), 1..60),
        noise in proptest::collection::vec(any::<u8>(), 0..120),
    ) {
        let packets = honest();
        let mut node = node(root, storing);
        let mut now_ns = 0;
        for (which, at, value, from) in steps {
            now_ns += 30 * SECOND_NS;
            let mut packet = packets[which % packets.len()].clone();
            let len = packet.len();
            match value % 4 {
                0 => packet[at % len] ^= value,
                1 => packet.truncate(at % len),
                2 => {
                    packet.clear();
                    Header::new(global(9), global(2), value / 4, 9).put_packet(&[&noise], &mut packet);
                }
                _ => {}
            }
            let sender = eui(usize::from(from));
            node.handle_receive(now_ns, sender, packet.clone());
            node.handle_link(now_ns, sender, Some(u16::from(value) + 100));
            node.handle_undelivered(now_ns, sender, packet);
            node.handle_timeout(now_ns);
            prop_assert!(drained(&mut node) < 500);
        }
        prop_assert!(node.neighbours() <= node.config().neighbours_max);
    }
}

//! The module that holds vending keys and seals tokens, in software. For simulation: see [`super`].

use taa_keys::{KeyError, KeyId, KeyStore, Usage};
use zeroize::Zeroizing;

use super::MeterKey;
use crate::sts::key_change::sections;
use crate::sts::misty1::{BATCH, encrypt_batch};
use crate::sts::{Content, ContentError, DecoderKey, DeriveError, Krn, Sgc, StaTables, Token};

/// Why the module seals nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModuleError {
    /// No such vending key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The decoder key cannot be derived.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// A key change to another algorithm or another meter.
    #[error("a key change stays with the meter and its algorithm")]
    OtherMeter,
    /// From this base date no key change leads to that one: only to the same, or with a rollover to the next.
    #[error("no key change leads from base date {from} to {to}")]
    BaseDate {
        /// Year of the present base date.
        from: u16,
        /// Year of the wanted one.
        to: u16,
    },
}

/// Vending keys in a [`KeyStore`], and the tables of EA07.
#[derive(Clone, Debug)]
pub struct SoftwareModule {
    keys: KeyStore,
    tables: StaTables,
}

impl SoftwareModule {
    /// With these keys, stored under [`SoftwareModule::key_id`], and these tables.
    #[must_use]
    pub const fn new(keys: KeyStore, tables: StaTables) -> Self {
        Self { keys, tables }
    }

    /// The name under which a supply group's key of that revision is stored.
    #[must_use]
    pub fn key_id(sgc: Sgc, krn: Krn) -> KeyId {
        KeyId::new(format!("SGC {sgc}, KRN {}", krn.number()), Usage::Vending)
    }

    /// A meter's decoder key.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn decoder_key(&self, meter: &MeterKey) -> Result<DecoderKey, ModuleError> {
        let vending = self.keys.secret(&Self::key_id(meter.key.sgc, meter.key.krn))?;
        Ok(meter.generation.derive(vending, &meter.meter, &meter.key, meter.algorithm, &self.tables)?)
    }

    /// Seals one token.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn seal(&self, meter: &MeterKey, content: &Content) -> Result<Token, ModuleError> {
        Ok(self.decoder_key(meter)?.seal(content))
    }

    /// Seals many: tokens for EA11 meters 64 at a time. The results are those of [`SoftwareModule::seal`], in order.
    #[must_use]
    pub fn seal_many(&self, asks: &[(MeterKey, Content)]) -> Vec<Result<Token, ModuleError>> {
        let keys: Vec<_> = asks.iter().map(|(meter, _)| self.decoder_key(meter)).collect();
        let whole: Vec<(&DecoderKey, &Content)> =
            keys.iter().zip(asks).filter_map(|(key, (_, content))| Some((key.as_ref().ok()?, content))).collect();
        let mut sealed = seal_batch(&whole).into_iter();
        let results = keys.iter().zip(asks).map(|(key, (_, content))| match key {
            Ok(key) => Ok(sealed.next().unwrap_or_else(|| key.seal(content))),
            Err(error) => Err(error.clone()),
        });
        results.collect()
    }

    /// The tokens that bring a meter from one key to another: two for EA07, four for EA11. With a change of base date the
    /// rollover bit is set, and the meter forgets the TIDs that it has seen. They may be entered in any order, but all
    /// tokens under the old key first, for it opens nothing afterwards.
    ///
    /// # Errors
    /// [`ModuleError`].
    pub fn key_change(&self, from: &MeterKey, to: &MeterKey) -> Result<Vec<Token>, ModuleError> {
        if from.meter != to.meter || from.algorithm != to.algorithm {
            return Err(ModuleError::OtherMeter);
        }
        let rollover = from.key.base_date != to.key.base_date;
        if rollover && from.key.base_date.next() != Some(to.key.base_date) {
            return Err(ModuleError::BaseDate { from: from.key.base_date.year(), to: to.key.base_date.year() });
        }
        let (old, new) = (self.decoder_key(from)?, self.decoder_key(to)?);
        Ok(sections(&new, &to.key, rollover)
            .into_iter()
            .map(|section| old.seal(&Content::KeyChange(section)))
            .collect())
    }

    /// Whose token this is: which of the candidates' keys open it. More than one can, once in 65536 by chance. A meter only
    /// knows that the checksum is wrong; the vendor's service line can say "this one belongs to your neighbour" or "your
    /// meter still has the old key".
    #[must_use]
    pub fn diagnose(&self, token: Token, candidates: &[MeterKey]) -> Vec<(usize, Content)> {
        let opened = candidates.iter().enumerate().filter_map(|(at, meter)| {
            let key = self.decoder_key(meter).ok()?;
            match key.open(token) {
                Ok(content) => Some((at, content)),
                Err(ContentError::Checksum | ContentError::Reserved { .. }) => None,
            }
        });
        opened.collect()
    }
}

/// Seals contents, each under its key: EA11 goes 64 at a time, anything else one by one.
#[must_use]
pub fn seal_batch(asks: &[(&DecoderKey, &Content)]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(asks.len());
    let mut pending: Vec<(usize, u128, u64)> = Vec::with_capacity(BATCH);
    for (key, content) in asks {
        match key.ea11_number() {
            Some(number) if !matches!(content, Content::Test(_)) => {
                let block = content.block();
                pending.push((tokens.len(), *number, block));
                tokens.push(Token::weave(content.class(), block));
                if pending.len() == BATCH {
                    flush(&mut pending, &mut tokens);
                }
            }
            _ => tokens.push(key.seal(content)),
        }
    }
    flush(&mut pending, &mut tokens);
    tokens
}

/// Encrypts what is pending and puts the tokens in their places; places that stay empty in the batch cost the same.
fn flush(pending: &mut Vec<(usize, u128, u64)>, tokens: &mut [Token]) {
    if pending.is_empty() {
        return;
    }
    let mut keys = Zeroizing::new([0; BATCH]);
    let mut blocks = [0; BATCH];
    for ((key, block), (_, number, plain)) in keys.iter_mut().zip(blocks.iter_mut()).zip(pending.iter()) {
        (*key, *block) = (*number, *plain);
    }
    encrypt_batch(&keys, &mut blocks);
    for ((at, key, _), block) in pending.iter_mut().zip(blocks) {
        if let Some(token) = tokens.get_mut(*at) {
            *token = Token::weave(token.unweave().0, block);
        }
        zeroize::Zeroize::zeroize(key);
    }
    pending.clear();
}

#[cfg(test)]
mod tests {
    use taa_keys::Secret;

    use super::*;
    use crate::sts::{
        Algorithm, Amount, BaseDate, KeyAttributes, KeyGeneration, KeyType, MeterPan, Random, Service, TariffIndex,
        Test, Tid,
    };

    const ALL_TESTS: Test = Test::Short { control: 0xF_FFFF_FFFF, maker: 0 };

    fn module() -> SoftwareModule {
        let mut keys = KeyStore::new();
        for krn in 1..=3 {
            let id = SoftwareModule::key_id(Sgc::new(123_456).unwrap(), Krn::new(krn).unwrap());
            keys.insert_secret(id, Secret::new(&[krn; 20]));
        }
        SoftwareModule::new(keys, StaTables::sample())
    }

    fn meter(serial: u32, algorithm: Algorithm, krn: u8, base_date: BaseDate) -> MeterKey {
        MeterKey {
            meter: MeterPan::new("600727", &format!("{serial:011}")).unwrap(),
            key: KeyAttributes {
                sgc: Sgc::new(123_456).unwrap(),
                krn: Krn::new(krn).unwrap(),
                key_type: KeyType::Unique,
                ti: TariffIndex::new(1).unwrap(),
                ken: 255,
                base_date,
            },
            generation: KeyGeneration::Dkga04,
            algorithm,
        }
    }

    fn credit(tid: u32) -> Content {
        Content::Credit {
            service: Service::Electricity,
            random: Random::new(5),
            tid: Tid::from_field(tid),
            amount: Amount::at_least(100).unwrap(),
        }
    }

    #[test]
    fn many_are_the_same_as_one_by_one() {
        let module = module();
        let asks: Vec<_> = (0..200)
            .map(|n| {
                let algorithm = if n % 3 == 0 { Algorithm::Ea07 } else { Algorithm::Ea11 };
                // Every seventh has a key that is not there.
                let krn = if n % 7 == 0 { 9 } else { 2 };
                let content = if n % 11 == 0 { Content::Test(ALL_TESTS) } else { credit(n) };
                (meter(n, algorithm, krn, BaseDate::Y2014), content)
            })
            .collect();
        let one_by_one: Vec<_> = asks.iter().map(|(meter, content)| module.seal(meter, content)).collect();
        assert_eq!(module.seal_many(&asks), one_by_one);
        assert_eq!(one_by_one.iter().filter(|token| token.is_err()).count(), 29);
    }

    #[test]
    fn a_service_line_can_tell_whose_token_it_is() {
        let module = module();
        let mine = meter(1, Algorithm::Ea11, 1, BaseDate::Y2014);
        let after_change = meter(1, Algorithm::Ea11, 2, BaseDate::Y2014);
        let neighbour = meter(2, Algorithm::Ea11, 1, BaseDate::Y2014);
        let token = module.seal(&neighbour, &credit(9)).unwrap();
        let opened = module.diagnose(token, &[mine, after_change, neighbour]);
        assert_eq!(opened, [(2, credit(9))]);
    }

    #[test]
    fn key_changes_go_one_base_date_at_a_time() {
        let module = module();
        let (one, two) = (meter(1, Algorithm::Ea11, 1, BaseDate::Y1993), meter(1, Algorithm::Ea11, 2, BaseDate::Y2014));
        assert_eq!(module.key_change(&one, &two).unwrap().len(), 4);
        let three = meter(1, Algorithm::Ea11, 3, BaseDate::Y2035);
        assert_eq!(module.key_change(&one, &three), Err(ModuleError::BaseDate { from: 1993, to: 2035 }));
        assert_eq!(module.key_change(&two, &one), Err(ModuleError::BaseDate { from: 2014, to: 1993 }));
        let other = meter(2, Algorithm::Ea11, 2, BaseDate::Y2014);
        assert_eq!(module.key_change(&one, &other), Err(ModuleError::OtherMeter));
        let seven = meter(1, Algorithm::Ea07, 1, BaseDate::Y1993);
        let seven_new = meter(1, Algorithm::Ea07, 2, BaseDate::Y2014);
        assert_eq!(module.key_change(&seven, &seven_new).unwrap().len(), 2);
    }
}

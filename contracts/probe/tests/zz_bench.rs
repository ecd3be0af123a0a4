use std::time::Instant;
use precinto_contract_testing::module;
#[test]
fn bench() {
    let t = Instant::now();
    let engine = precinto_vm::Engine::new().unwrap();
    println!("engine {:?}", t.elapsed());
    let t = Instant::now();
    let admitted = precinto_vm::admit(&module("probe")).unwrap();
    println!("admit {:?}", t.elapsed());
    let t = Instant::now();
    let m = engine.compile(&admitted).unwrap();
    println!("compile {:?}", t.elapsed());
    struct H(precinto_protocol::call::CallContext);
    use precinto_vm::*; use precinto_protocol::{call::*, host::*};
    impl Host for H {
        fn context(&self) -> &CallContext { &self.0 }
        fn state_get(&mut self, _: &[u8]) -> Result<Option<Vec<u8>>, HostError> { Ok(None) }
        fn state_set(&mut self, _: &[u8], _: &[u8]) -> Result<(), HostError> { Ok(()) }
        fn state_remove(&mut self, _: &[u8]) -> Result<(), HostError> { Ok(()) }
        fn state_scan(&mut self, _: &[u8], _: &[u8], _: u32) -> Result<Vec<StateItem>, HostError> { Ok(vec![]) }
        fn log_append(&mut self, _: &[u8], _: &[u8]) -> Result<u64, HostError> { Ok(1) }
        fn log_read(&mut self, _: &[u8], _: u64) -> Result<Option<Vec<u8>>, HostError> { Ok(None) }
        fn log_len(&mut self, _: &[u8]) -> Result<u64, HostError> { Ok(0) }
        fn emit(&mut self, _: &str, _: &[u8]) -> Result<(), HostError> { Ok(()) }
    }
    let ctx = CallContext{channel: Default::default(), height:1,index:0,time_ms:1,transaction:None,signers:vec![],contract:1};
    let mut h = H(ctx);
    let input = ContractInput{method:"set".into(), args: precinto_protocol::cbor::encode(&(minicbor::bytes::ByteVec::from(vec![1;10]), minicbor::bytes::ByteVec::from(vec![1;300])))};
    for _ in 0..4 {
        let n = 20000;
        let t = Instant::now();
        let mut fuel = 0;
        for _ in 0..n { let r = engine.call(&m, Entry::Call, &input, 20_000_000, &mut h).unwrap(); r.output.unwrap(); fuel = r.fuel_used; }
        println!("call {:?} fuel {fuel}", t.elapsed()/n);
    }
}

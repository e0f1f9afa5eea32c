// Any bytes as a certificate: what OpenSSL reads of them is described without a crash, and every
// text of it can stand in a header or a line of a log.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "source/transport/tls/certificate_facts.h"
#include "source/transport/tls/subject_names.h"

using namespace weir;
using namespace weir::transport;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const uint8_t* at = data;
  const X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(size)));
  if (certificate == nullptr) return 0;
  const CertificateFacts facts = factsOf(*certificate);
  check(facts.fingerprint_256.size() == 64 && facts.fingerprint_1.size() == 40);
  check(facts.pem.find_first_of("\n =") == std::string::npos);
  for (const SubjectName& name : subjectNames(*certificate)) {
    check(name.text.find('\0') == std::string::npos);
    if (name.type == NameType::Dns) coversHost(name.text, "www.example.com");
  }
  return 0;
}

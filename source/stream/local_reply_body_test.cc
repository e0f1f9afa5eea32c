#include "source/stream/local_reply_body.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace weir::stream {
namespace {

class LocalReplyBodyTest : public ::testing::Test {
 protected:
  void accept(std::string_view value) { request_.fields.add(HeaderId::Accept, value); }
  void contentType(std::string_view value) { request_.fields.add(HeaderId::ContentType, value); }

  ReplyBody make(uint16_t status, std::string_view body, std::string_view details = "why",
                 const Fields* fields = nullptr) {
    LocalReply reply;
    reply.status = status;
    reply.body = body;
    reply.details = details;
    reply.fields = fields;
    return makeReplyBody(reply, request_, "id-1", arena_);
  }
  static std::map<std::string, std::string> fieldsOf(const ReplyBody& body) {
    std::map<std::string, std::string> map;
    for (const auto& [name, value] : body.fields()) map[std::string(name->text())] = value;
    return map;
  }
  static google::protobuf::Struct parsed(std::string_view json) {
    google::protobuf::Struct document;
    const std::string copy(json);
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(copy, &document).ok()) << json;
    return document;
  }

  ChunkPool pool_;
  Arena arena_{pool_};
  RequestHead request_{arena_};
};

using Map = std::map<std::string, std::string>;

TEST_F(LocalReplyBodyTest, PlainTextByDefault) {
  const ReplyBody body = make(503, "no healthy upstream");
  EXPECT_EQ(body.status, 503);
  EXPECT_EQ(body.text, "no healthy upstream");
  EXPECT_EQ(fieldsOf(body), (Map{{"content-type", "text/plain"}, {"content-length", "19"}}));
}

TEST_F(LocalReplyBodyTest, EmptyTextNeedsNoFields) {
  const ReplyBody body = make(404, "");
  EXPECT_TRUE(body.text.empty());
  EXPECT_TRUE(body.fields().empty());
}

TEST_F(LocalReplyBodyTest, ProblemDocument_Rfc9457_3_1) {
  accept("application/json");
  const ReplyBody body = make(503, "no healthy upstream", "no_healthy_upstream");
  EXPECT_EQ(body.status, 503);
  EXPECT_EQ(body.text,
            "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
            "\"detail\":\"no healthy upstream\",\"reason\":\"no_healthy_upstream\","
            "\"request_id\":\"id-1\"}\n");
  EXPECT_EQ(fieldsOf(body), (Map{{"content-type", "application/problem+json"},
                                 {"content-length", std::to_string(body.text.size())}}));
}

TEST_F(LocalReplyBodyTest, ProblemDocumentWithoutTextStillTellsTheReason) {
  accept("application/problem+json");
  const auto document = parsed(make(404, "", "route_not_found").text);
  EXPECT_EQ(document.fields().at("reason").string_value(), "route_not_found");
  EXPECT_EQ(document.fields().at("status").number_value(), 404);
  EXPECT_FALSE(document.fields().contains("detail"));
}

TEST_F(LocalReplyBodyTest, ProblemDocumentIsValidJsonWhateverTheTextHolds_Rfc8259_7) {
  accept("application/json");
  const std::string text("\"\\\n\x01\xff\xc3\xa9", 7);
  const auto document = parsed(make(400, text).text);
  EXPECT_EQ(document.fields().at("detail").string_value(), "\"\\\n\x01\xc3\xbf\xc3\xa9");
}

TEST_F(LocalReplyBodyTest, SuccessAndRedirectsAreNoProblems) {
  accept("application/json");
  EXPECT_EQ(make(200, "OK").text, "OK");
  EXPECT_EQ(make(302, "").text, "");
}

TEST_F(LocalReplyBodyTest, BodyWithATypeOfItsOwnIsSentAsItIs) {
  accept("application/json");
  Fields fields(arena_);
  fields.add(HeaderId::ContentType, "text/html");
  const ReplyBody body = make(403, "<p>no</p>", "ext_authz_denied", &fields);
  EXPECT_EQ(body.text, "<p>no</p>");
  EXPECT_EQ(fieldsOf(body), (Map{{"content-length", "9"}}));
}

TEST_F(LocalReplyBodyTest, AcceptDecides_Rfc9110_12_5_1) {
  const struct {
    std::string_view accept;
    bool json;
  } rows[] = {
      {"application/json", true},
      {"application/problem+json", true},
      {"APPLICATION/JSON", true},
      {"application/json; charset=utf-8", true},
      {"application/json, text/plain, */*", true},  // axios, Angular
      {"application/json, */*;q=0.5", true},
      {"text/plain;q=0.5, application/json", true},
      {"text/html;q=0.9, application/json", true},
      {"application/json;q=0.5, */*;q=0.1", true},
      {"application/json;q=0.001", true},
      {" , application/json ,", true},
      {"", false},
      {"*/*", false},  // curl
      {"text/*", false},
      {"application/*", false},
      {"application/xml", false},
      {"application/jsonx", false},
      {"application/json;q=0", false},
      {"application/json;q=0.000", false},
      {"application/json;q=0.5, */*", false},
      {"application/json;q=0.8, text/plain;q=0.9", false},
      {"text/html, application/json", false},
      {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
      {"text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8", false},
  };
  for (const auto& row : rows) {
    Fields fields(arena_);
    fields.add(HeaderId::Accept, row.accept);
    EXPECT_EQ(prefersJson(fields), row.json) << row.accept;
  }
}

TEST_F(LocalReplyBodyTest, SeveralAcceptFieldsAreOneList_Rfc9110_5_3) {
  accept("text/html");
  accept("application/json");
  EXPECT_FALSE(prefersJson(request_.fields));
  Fields none(arena_);
  EXPECT_FALSE(prefersJson(none));
}

TEST_F(LocalReplyBodyTest, GrpcClientsGetATrailersOnlyResponse) {
  contentType("application/grpc+proto");
  accept("application/json");
  const ReplyBody body = make(503, "no healthy upstream");
  EXPECT_EQ(body.status, 200);
  EXPECT_TRUE(body.text.empty());
  EXPECT_EQ(fieldsOf(body), (Map{{"content-type", "application/grpc"},
                                 {"grpc-status", "14"},
                                 {"grpc-message", "no healthy upstream"}}));
}

TEST_F(LocalReplyBodyTest, GrpcWithoutTextHasNoMessage) {
  contentType("application/grpc");
  EXPECT_EQ(fieldsOf(make(400, "")),
            (Map{{"content-type", "application/grpc"}, {"grpc-status", "13"}}));
}

TEST_F(LocalReplyBodyTest, GrpcMessageIsPercentEncoded) {
  contentType("application/grpc");
  EXPECT_EQ(fieldsOf(make(500, "50% \xc3\xa9\t~\n"))["grpc-message"], "50%25 %C3%A9%09~");
}

}  // namespace
}  // namespace weir::stream

// The compiler must refuse each of these calls.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const api = createClient<paths>({ baseUrl: "/" });
// @ts-expect-error a text where a number belongs
void api.POST("/rpc/echo_serv/add", { body: { a: "1", b: 2 } });
// @ts-expect-error a parameter is missing
void api.POST("/rpc/echo_serv/add", { body: { a: 1 } });
// @ts-expect-error there is no such method
void api.POST("/rpc/echo_serv/sub", { body: { a: 1, b: 2 } });
// @ts-expect-error what may change something is not for GET
void api.GET("/rpc/echo_serv/add", {});
